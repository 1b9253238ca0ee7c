import type { FastifyPluginAsync } from 'fastify'
import { z } from 'zod'
import { openActorSeals } from '../../data/actor.ts'
import { type Stores, stores } from '../../data/index.ts'
import { keepSecret } from '../../data/secrets.ts'
import type { Clock } from '../../kernel/clock.ts'
import { duration } from '../../kernel/duration.ts'
import { defineModule } from '../../kernel/module.ts'
import type { RouteGroup } from '../../kernel/routes.ts'
import { proof } from '../../proof/index.ts'
import { edge } from '../edge/index.ts'
import { identity } from '../identity/index.ts'
import { jobs } from '../jobs/index.ts'
import { tenancy } from '../tenancy/index.ts'
import { auditCommands } from './commands.ts'
import { actInTenant, recordAdminAccess } from './guard.ts'
import { auditAdminAccess } from './measures/audit-admin-access.ts'
import { auditAdminImmutable } from './measures/audit-admin-immutable.ts'
import { auditDataChanges } from './measures/audit-data-changes.ts'
import { auditReview } from './measures/audit-review.ts'
import { dbStaffLog } from './measures/db-staff-log.ts'
import { openRecorder, type Recorder } from './record.ts'
import { openReviews } from './review.ts'
import { reviewRoutes } from './reviewRoutes.ts'
import { trailRoutes } from './routes.ts'
import { expireEntries, type Sealing, sealRound } from './sealRound.ts'
import { collectStaffLog } from './staffLog.ts'
import { deploymentTrail, tenantTrail } from './trail.ts'

export { type Act, recordIn } from './record.ts'

/** What other modules get from audit. */
export interface AuditApi {
  /**
   * Notes an act that is no change of a row (those are captured by the database itself): reading a secret, an export.
   * With a tenant it stands in that tenant's trail, done by whom `tenant.as(actor)` named; with an actor alone in the
   * deployment's. To note it in the transaction of the act itself: `recordIn`.
   */
  record: Recorder
}

/** Statements of staff are on the record within this time (ms). */
const COLLECT_EVERY = 10_000

const DAY = 86_400_000

/** How often is looked whether a review is due, and what is old (ms). */
const HOUR = 3_600_000

/** Who changed what, kept where nobody can change it. */
export const audit = defineModule({
  name: 'audit',
  needs: { stores, proof, tenancy, identity, edge, jobs },
  migrations: { control: new URL('./migrations/control/', import.meta.url) },
  settings: z.object({
    /** How long an entry may stay unsealed: until then the database's superuser could still change it unseen. */
    sealEvery: duration.default(60_000),
    /** A sign of life goes into the evidence log this often, with what is captured, also when nothing happens. */
    heartbeatEvery: duration.default(3_600_000),
    /** Entries older than this leave the trail. They hold what every changed row held. */
    keepFor: duration.default(365 * DAY),
    /** The database server's log, where it can be read, with the `log_line_prefix` `%m [%p] %q%u@%d `. */
    databaseLog: z.string().optional(),
    /** How often a person reviews a sample of administrative access, and how long they have for it. */
    reviewEvery: duration.default(31 * DAY),
    reviewWithin: duration.default(7 * DAY),
  }),
  contradictions: ({ keepFor }) =>
    keepFor < 90 * DAY
      ? [{ settings: ['audit.keepFor'], why: 'the trail is kept for 90 days at least.' }]
      : [],
  async start({ settings, clock, log }, needs) {
    const { stores, proof, tenancy, identity, edge, jobs } = needs
    const { asMigrator, control, sealer, sealerAddress: address } = stores
    const { databaseLog, heartbeatEvery: heartbeat } = settings
    const rhythm = { every: settings.reviewEvery, within: settings.reviewWithin }
    const key = Buffer.from(keepSecret(stores.secrets, 'actor-seal'), 'hex')
    const seals = openActorSeals(key, clock)
    const record = openRecorder(control, seals)
    const api: AuditApi = { record }
    const sealing: Sealing | undefined =
      sealer && address ? { sealer, address, tenancy, proof, clock, log, key, heartbeat } : undefined
    const collect = databaseLog && sealer ? () => collectStaffLog(databaseLog, sealer, seals) : undefined

    jobs.every('audit.review', HOUR, () => openReviews(control, clock.now(), rhythm))
    if (collect) jobs.every('audit.staff', COLLECT_EVERY, async () => void (await collect()))
    if (sealing) {
      jobs.every('audit.seal', settings.sealEvery, async () => void (await sealRound(sealing)))
      jobs.every('audit.expire', HOUR, async () => void (await expireEntries(sealing, settings.keepFor)))
    }
    const guards: RouteGroup[] = [
      { audience: 'tenant', plugin: actInTenant as FastifyPluginAsync },
      { audience: 'admin', plugin: recordAdminAccess(record) },
    ]
    return {
      api,
      guards,
      routes: routes(control, clock, record),
      commands: sealing ? auditCommands(sealing) : [],
      measures: [
        auditDataChanges(asMigrator, tenancy),
        auditAdminAccess({ control, identity, edge }),
        auditAdminImmutable(asMigrator, control, settings, sealing),
        dbStaffLog({ stores, collect }),
        auditReview(control, rhythm),
      ],
    }
  },
})

function routes(control: Stores['control'], clock: Clock, record: Recorder): RouteGroup[] {
  const ofTenant = trailRoutes(
    (request) => tenantTrail(request.tenant),
    (request, act) => record(request.tenant, act),
  )
  const ofDeployment = trailRoutes(
    () => deploymentTrail(control),
    (request, act) => record({ actor: { kind: 'operator', id: request.operator?.person.id ?? '' } }, act),
  )
  return [
    { audience: 'tenant', plugin: ofTenant as unknown as FastifyPluginAsync },
    { audience: 'admin', plugin: ofDeployment as unknown as FastifyPluginAsync },
    { audience: 'admin', plugin: reviewRoutes(control, clock) as unknown as FastifyPluginAsync },
  ]
}
