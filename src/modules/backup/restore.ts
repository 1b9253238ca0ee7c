import type { Redis } from 'ioredis'
import { newId } from '../../kernel/ids.ts'
import { defineProblem } from '../../kernel/problems.ts'
import type { TenancyApi, Tenant } from '../tenancy/index.ts'
import type { BackupParts } from './backUp.ts'
import type { BackupRecord } from './catalogue.ts'
import { verifyLoaded } from './compare.ts'
import { readManifest } from './manifest.ts'
import { openRestoreLog } from './restoreLog.ts'
import { bringUpToDate, giveTo, inScratch, loadBackup } from './scratch.ts'
import { migrationsOf } from './source.ts'
import { takeOverFiles, takeOverRows } from './takeOver.ts'

/** What a restore goes through, in order. */
export const RESTORE_PHASES = [
  'locate',
  'make scratch',
  'load',
  'verify',
  'bring up to date',
  'take over rows',
  'take over files',
  'finish',
] as const

export type RestorePhase = (typeof RESTORE_PHASES)[number]

/** How long each phase took, in milliseconds. */
export type PhaseTimes = Partial<Record<RestorePhase, number>>

/** What restores are made with, beside what backups are. */
export interface RestoreParts extends BackupParts {
  tenancy: TenancyApi
  tenantMigrations: readonly { module: string; directory: URL }[]
  /** What other modules do to a tenant that was restored. */
  afterRestore: readonly ((tenant: Tenant) => Promise<void>)[]
}

export interface RestoreReport {
  id: string
  /** The instant whose data the tenant now has. */
  snapshotAt: Date
  phases: PhaseTimes
}

export const noBackup = defineProblem({ code: 'backup-not-found', status: 404, title: 'No such backup' })
const busy = defineProblem({ code: 'restore-busy', status: 409, title: 'The tenant is being restored' })

/**
 * Restores a backup into a tenant, in place of all that the tenant has: loaded and verified in a database apart, and only
 * then taken over in one transaction. Killed before that nothing has changed; killed after it, `settleRestores` ends what
 * was begun. Throws Problems `backup-not-found`, `backup-unreadable`, `backup-differs`, `backup-too-new`, `restore-busy`.
 */
export async function restoreInto(
  parts: RestoreParts,
  backup: BackupRecord,
  slug: string,
  onPhase: (phase: RestorePhase) => void = () => undefined,
): Promise<RestoreReport> {
  if (backup.state !== 'available') throw noBackup(`The backup ${backup.id} is ${backup.state}.`)
  await parts.tenancy.remakeDatabase(slug)
  const tenant = await parts.tenancy.bySlug(slug)
  const log = openRestoreLog(parts.stores)
  const id = newId()
  const begun = { id, backupId: backup.id, tenantId: tenant.id, slug, startedAt: parts.clock.now() }
  if (!(await log.begin(begun))) throw busy(`Wait until the other restore of ${slug} is done.`)
  return carryOut(parts, { id, backup, tenant }, onPhase)
}

/** A restore that is noted as running. */
interface Begun {
  id: string
  backup: BackupRecord
  tenant: Tenant
}

async function carryOut(
  parts: RestoreParts,
  begun: Begun,
  onPhase: (phase: RestorePhase) => void,
): Promise<RestoreReport> {
  const { id } = begun
  const log = openRestoreLog(parts.stores)
  const laps = openLaps(onPhase)
  return log.keepAlive(id, async () => {
    try {
      const snapshotAt = await run(parts, begun, laps.enter)
      const phases = laps.times()
      await log.end(id, 'done', phases, null)
      return { id, snapshotAt, phases }
    } catch (error) {
      await log.end(id, 'failed', laps.times(), error instanceof Error ? error.message : String(error))
      throw error
    }
  })
}

async function run(
  parts: RestoreParts,
  { id, backup, tenant }: Begun,
  enter: (phase: RestorePhase) => void,
): Promise<Date> {
  enter('locate')
  const manifest = await readManifest(parts, backup.tenantId, backup.id)
  enter('make scratch')
  await inScratch(parts, manifest.postgres, async (scratch) => {
    enter('load')
    await loadBackup(parts, scratch, manifest)
    enter('verify')
    await verifyLoaded(scratch.client, manifest)
    enter('bring up to date')
    await bringUpToDate(
      scratch.client,
      manifest,
      parts.tenantMigrations,
      await migrationsOf(parts.stores, tenant),
    )
    if (tenant.id !== manifest.tenantId) await giveTo(scratch.client, tenant.id)
    await openRestoreLog(parts.stores).changing(id)
    enter('take over rows')
    await takeOverRows(parts, scratch, tenant)
  })
  enter('take over files')
  await takeOverFiles(parts, manifest, tenant)
  enter('finish')
  await forgetCaches(parts.stores.redis, tenant)
  for (const next of parts.afterRestore) await next(tenant)
  return manifest.snapshotAt
}

/** Times phases that follow each other. */
function openLaps(onPhase: (phase: RestorePhase) => void) {
  const phases: PhaseTimes = {}
  let current: { phase: RestorePhase; since: number } | undefined
  const leave = () => {
    if (current) phases[current.phase] = Math.round(performance.now() - current.since)
  }
  return {
    enter(phase: RestorePhase): void {
      leave()
      current = { phase, since: performance.now() }
      onPhase(phase)
    },
    times(): PhaseTimes {
      leave()
      return phases
    },
  }
}

/** What was read before the restore and kept. */
async function forgetCaches(redis: Redis, tenant: Tenant): Promise<void> {
  const stream = redis.scanStream({ match: tenant.cache.key('*'), count: 500 })
  for await (const keys of stream as AsyncIterable<string[]>) if (keys.length > 0) await redis.unlink(...keys)
}

const MOST_ATTEMPTS = 3

/**
 * Settles restores whose process is gone: one that had begun to change its tenant is done again, up to three times; any
 * other has changed nothing and is noted as failed.
 */
export async function settleRestores(parts: RestoreParts): Promise<void> {
  const log = openRestoreLog(parts.stores)
  for (const { id, backupId, slug, changing, attempt } of await log.takeAbandoned()) {
    const backup = await parts.catalogue.find(backupId)
    const again = changing && backup?.state === 'available' && attempt <= MOST_ATTEMPTS
    if (!again) await log.end(id, 'failed', {}, 'The process that restored ended.')
    else await carryOut(parts, { id, backup, tenant: await parts.tenancy.bySlug(slug) }, () => undefined)
  }
}
