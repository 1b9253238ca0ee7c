/** Database roles of one deployment. None but the superuser of the cluster can step outside what stands here. */
export const roles = {
  /** Owns every object; nobody logs in as it. */
  owner: 'surety_owner',
  /** Changes schemas, makes and drops tenant databases. Never used by the process that serves requests. */
  migrator: 'surety_migrator',
  /** The serving process: reads the control database, works in the pooled store. Owns nothing. */
  app: 'surety_app',
  /** Appends to the evidence log, and reads the audit trails to seal them. */
  sealer: 'surety_sealer',
  /** Reads and writes wrapped data keys, and nothing else anywhere; only the vault logs in as it. */
  keys: 'surety_keys',
  /** What the capture of changes may do: append to an audit trail, nothing else. Nobody logs in as it or belongs to it. */
  audit: 'surety_audit',
  /** People at the database: what they run is logged. Nobody logs in as the group itself. */
  staff: 'surety_staff',
  /** One of them that is none: the probe which looks whether it is logged. */
  staffProbe: 'surety_staff_probe',
  /** What a tenant's context may do in a tenant store; granted to `app` in the pool and to each tenant's own role. */
  tenant: 'surety_tenant',
  /** What a dump of pooled rows is read as: one tenant's rows and no others. Only the migrator can become it. */
  backup: 'surety_backup',
  /** What pgBackRest logs in as: begins and ends backups of the whole cluster, and reads no table. */
  pitr: 'surety_pitr',
} as const

/** Databases of one deployment beside the tenants' own. */
export const databases = {
  /** Tenant registry, evidence, duties. */
  control: 'surety_control',
  /** Rows of all tenants of the `rows` model. */
  pool: 'surety_pool',
  /** Wrapped data keys. Apart from all data, so that its backups can be short-lived and a destroyed key stays destroyed. */
  keys: 'surety_keys',
  /** Copied to make a tenant's own database. */
  template: 'surety_template',
} as const

/** Prefix of ready-made tenant databases that nobody uses yet. */
export const SPARE_PREFIX = 'surety_spare_'

/** Prefix of those that are being made. */
export const DRAFT_PREFIX = 'surety_draft_'
