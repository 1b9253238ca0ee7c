import { buffer } from 'node:stream/consumers'
import type { Stores } from '../../data/index.ts'
import { databases, roles } from '../../data/roles.ts'
import type { SqlClient } from '../../data/sql.ts'
import type { TenantRecord } from '../tenancy/index.ts'
import {
  describeContent,
  describeShape,
  ownSchemas,
  type StoreShape,
  type TableContent,
  tenantTables,
} from './content.ts'
import { findPrograms, type Programs, serverMajor } from './programs.ts'

/** A tenant's data as it was at one instant. */
export interface Snapshot {
  major: number
  shape: StoreShape
  /** Counts and hashes of all rows; goes on while the dump is read. */
  tables: Promise<TableContent[]>
  /** What the tables are made of, as pg_dump writes it; null where `dump` holds it too. */
  schema: Uint8Array | null
  /** pg_dump's output in its custom format; `compress` is pg_dump's own level. */
  dump(compress: number): AsyncIterable<Uint8Array>
}

/**
 * Runs `work` on a snapshot of the tenant's store. In the `rows` model rows are read as a role that row-level security
 * binds to this one tenant: neither manifest nor dump can hold another tenant's row.
 */
export async function withSnapshot<T>(
  stores: Stores,
  tenant: TenantRecord,
  work: (snapshot: Snapshot) => Promise<T>,
): Promise<T> {
  const pooled = tenant.model === 'rows'
  const database = storeOf(tenant)
  return stores.asMigrator(
    `back up ${tenant.slug}`,
    async (client) => {
      const major = await serverMajor(client)
      const programs = findPrograms(stores.migrator?.config ?? {}, major)
      // One transaction: what is dumped and what is described are of the same instant.
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
      await client.query('SET LOCAL idle_in_transaction_session_timeout = 0')
      const { rows } = await client.query<{ id: string }>('SELECT pg_export_snapshot() AS id')
      const schemas = (await ownSchemas(client)).map((schema) => `--schema=${schema}`)
      const shape = await describeShape(client)
      const common = ['--format=custom', `--snapshot=${rows[0]?.id}`, `--dbname=${database}`]
      const names = pooled ? (await tenantTables(client)).map((table) => `--table=${table}`) : []
      const schema = pooled ? await dumpSchema(programs, [...common, ...schemas], shape) : null
      if (pooled) await enterWall(client, tenant.id)
      const tables = describeContent(client)
      tables.catch(() => undefined) // `work` meets it where it waits for it
      const dump = (compress: number) =>
        pooled
          ? programs.read(
              'pg_dump',
              [
                ...common,
                `--compress=${compress}`,
                '--data-only',
                ...names,
                `--role=${roles.backup}`,
                '--enable-row-security',
              ],
              { settings: `-c app.tenant=${tenant.id}` },
            )
          : programs.read('pg_dump', [...common, `--compress=${compress}`, ...schemas, ...WITHOUT_IDENTITY])
      try {
        return await work({ major, shape, tables, schema, dump })
      } finally {
        await tables.catch(() => undefined)
      }
    },
    database,
  )
}

/** The database that holds a tenant's rows. */
export function storeOf({ model, slug }: Pick<TenantRecord, 'model' | 'slug'>): string {
  return model === 'rows' ? databases.pool : slug
}

/** What says whose store it is, or opens it, is made anew at a restore. */
const WITHOUT_IDENTITY = ['--exclude-table-data=tenancy.seal_key', '--exclude-table-data=tenancy.home']

async function enterWall(client: SqlClient, tenantId: string): Promise<void> {
  await client.query(`SELECT set_config('role', $1, true), set_config('app.tenant', $2, true)`, [
    roles.backup,
    tenantId,
  ])
}

/** The pool's schema is the same for all tenants, so it is dumped once and then kept until it changes. */
let lastSchema: { of: string; dump: Promise<Uint8Array> } | undefined

function dumpSchema(
  programs: Programs,
  args: string[],
  { schema, migrations }: StoreShape,
): Promise<Uint8Array> {
  const of = [schema, ...migrations.map(({ sha256 }) => sha256)].join()
  if (lastSchema?.of === of) return lastSchema.dump
  const dump = buffer(programs.read('pg_dump', [...args, '--compress=9', '--schema-only']))
  lastSchema = { of, dump }
  dump.catch(() => {
    lastSchema = undefined
  })
  return dump
}

/** What a tenant's own tables hold now; of the `rows` model as the role that row-level security binds to it. */
export async function describeTarget(stores: Stores, tenant: TenantRecord): Promise<TableContent[]> {
  const pooled = tenant.model === 'rows'
  return stores.asMigrator(
    `compare ${tenant.slug} with a backup`,
    async (client) => {
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
      if (pooled) await enterWall(client, tenant.id)
      return describeContent(client)
    },
    storeOf(tenant),
  )
}

/** Names of the migrations that a tenant's store has. */
export async function migrationsOf(stores: Stores, tenant: TenantRecord): Promise<string[]> {
  const { migrations } = await stores.asMigrator(
    `look at the schema of ${tenant.slug}`,
    async (client) => {
      await client.query('BEGIN READ ONLY')
      return describeShape(client)
    },
    storeOf(tenant),
  )
  return migrations.map(({ name }) => name)
}
