import type { Log } from '../../kernel/log.ts'
import type { TenantRecord } from '../tenancy/index.ts'
import { type BackupParts, backUpTenant, settleAbandoned } from './backUp.ts'
import type { BackupRecord, Catalogue, RetentionClass } from './catalogue.ts'
import { removeExpired } from './retention.ts'
import type { BackupSettings } from './settings.ts'
import { isTrial } from './trial.ts'

/** A backup that failed is tried again after this (ms). */
const RETRY_AFTER = 300_000

/** What one look at the schedule did. */
export interface Sweep {
  made: number
  failed: number
  removed: number
}

/** Makes every backup that is due, and removes those whose time is over. One tenant's failure holds up no other's. */
export async function makeDue(
  parts: BackupParts,
  tenants: readonly TenantRecord[],
  log: Log,
  signal?: AbortSignal,
): Promise<Sweep> {
  const { catalogue, clock, settings } = parts
  await settleAbandoned(parts)
  const sweep: Sweep = { made: 0, failed: 0, removed: 0 }
  if (settings.mode === 'dump') {
    const waiting = await dueTenants(catalogue, tenants, settings.every, clock.now())
    const worker = async () => {
      for (let tenant = waiting.shift(); tenant && !signal?.aborted; tenant = waiting.shift()) {
        const next = tenant
        const { slug } = tenant
        await classFor(catalogue, tenant, settings, clock.now())
          .then((retention) => backUpTenant(parts, next, retention))
          .then(
            () => sweep.made++,
            (error: unknown) => {
              sweep.failed++
              log.error({ err: error, tenant: slug }, 'no backup made')
            },
          )
      }
    }
    await Promise.all(Array.from({ length: settings.atOnce }, worker))
  }
  sweep.removed = await removeExpired(parts, new Set(tenants.map(({ id }) => id)))
  return sweep
}

/** Tenants whose newest backup is older than the interval, the longest waiting first. */
async function dueTenants(
  catalogue: Catalogue,
  tenants: readonly TenantRecord[],
  every: number,
  now: Date,
): Promise<TenantRecord[]> {
  const waiting: { tenant: TenantRecord; since: number }[] = []
  const newest = newestByTenant(await catalogue.available())
  for (const tenant of tenants.filter((one) => !isTrial(one))) {
    const since = newest.get(tenant.id)?.startedAt.getTime() ?? 0
    if (now.getTime() - since < every) continue
    const [last] = await catalogue.newest(tenant.id, 1)
    const resting = last?.state === 'failed' && now.getTime() - last.startedAt.getTime() < RETRY_AFTER
    if (!resting) waiting.push({ tenant, since })
  }
  return waiting.sort((a, b) => a.since - b.since).map(({ tenant }) => tenant)
}

/** Tenants without a backup younger than interval and grace; a new tenant has as long until its first. */
export function overdueTenants(
  available: readonly BackupRecord[],
  tenants: readonly TenantRecord[],
  { every, grace }: Pick<BackupSettings, 'every' | 'grace'>,
  now: Date,
): TenantRecord[] {
  const newest = newestByTenant(available)
  return tenants.filter((tenant) => {
    const { id, createdAt } = tenant
    if (isTrial(tenant)) return false
    const since = newest.get(id)?.snapshotAt ?? createdAt
    return now.getTime() - since.getTime() > every + grace
  })
}

function newestByTenant(available: readonly BackupRecord[]): Map<string, BackupRecord> {
  const newest = new Map<string, BackupRecord>()
  for (const backup of available) if (!newest.has(backup.tenantId)) newest.set(backup.tenantId, backup)
  return newest
}

/** The first backup of each archive period is kept for longer. */
export async function classFor(
  catalogue: Catalogue,
  { id }: { id: string },
  { archiveFor, archiveEvery }: BackupSettings,
  now: Date,
): Promise<RetentionClass> {
  if (archiveFor === undefined) return 'recent'
  const archived = (await catalogue.available(id)).find((backup) => backup.class === 'archive')
  return archived && now.getTime() - archived.startedAt.getTime() < archiveEvery ? 'recent' : 'archive'
}
