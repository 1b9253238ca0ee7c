import { rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Stores } from '../../../data/index.ts'
import { databases, roles } from '../../../data/roles.ts'
import { type SqlAddress, withConnection } from '../../../data/sql.ts'
import type { Clock } from '../../../kernel/clock.ts'
import { newId } from '../../../kernel/ids.ts'
import type { Tenant } from '../../tenancy/index.ts'
import { beat, beatsIn } from '../heartbeat.ts'
import { storeOf } from '../source.ts'
import { archiveNow } from './archive.ts'
import { ARCHIVED_WITHIN, type Cluster } from './cluster.ts'
import { listClusterBackups } from './clusterBackups.ts'
import { restoreCluster } from './restoreCluster.ts'

/** An instant between two signs of life of a canary, all of it in the repository. */
export interface Between {
  canary: Tenant
  before: Date
  instant: Date
  after: Date
}

/** What a restored cluster holds of an instant. */
export interface Seen {
  before: boolean
  after: boolean
  /** Databases that do not open; those of all tenants are looked at. */
  closed: string[]
}

/** Clocks tick in milliseconds; signs of life and instant stand this far (ms) apart. */
const APART = 20

/**
 * Writes the two signs of life, with an instant between them; of a cluster that is backed up the backups are older than
 * that, and its log is archived.
 */
export async function markInstant(
  stores: Stores,
  cluster: Cluster | undefined,
  canary: Tenant,
): Promise<Between> {
  // pgBackRest counts whole seconds: a backup that ended in this one is not older.
  const backups = cluster ? await listClusterBackups(cluster.place()) : []
  await sleep(Math.max(0, (backups.at(-1)?.endedAt.getTime() ?? 0) + 1_000 - Date.now()))
  const before = await beat(canary)
  await sleep(APART)
  const instant = await stores.asMigrator('ask for the time', async (client) => {
    const { rows } = await client.query<{ now: Date }>('SELECT clock_timestamp() AS now')
    return rows[0]?.now as Date
  })
  await sleep(APART)
  const after = await beat(canary)
  if (cluster) await archiveNow(stores, ARCHIVED_WITHIN)
  return { canary, before, instant, after }
}

/** Bytes that are missing on the disk for a copy of the cluster; 0 when it fits. */
export async function roomMissing(cluster: Cluster): Promise<number> {
  const [{ size }, { bavail, bsize }] = [await cluster.server(), await statfs(cluster.place().home)]
  return Math.max(0, size - bavail * bsize)
}

/** Restores the whole cluster to the instant, looks at it, throws it away, and notes whether it was as it should be. */
export async function rehearse(
  { stores, cluster, clock }: { stores: Stores; cluster: Cluster; clock: Clock },
  between: Between,
  signal: AbortSignal,
): Promise<Seen> {
  const place = cluster.place()
  const id = newId()
  const startedAt = clock.now()
  const into = join(place.home, `proof-${id}`)
  let passed = false
  try {
    const seen = await restoreCluster(place, { to: between.instant, into, keep: false, signal }, (address) =>
      lookAt(address, between),
    )
    passed = seen.before && !seen.after && seen.closed.length === 0
    return seen
  } finally {
    await rm(into, { recursive: true, force: true })
    await stores.asMigrator('note a rehearsal of the whole cluster', (client) =>
      client.query(
        'INSERT INTO backup.cluster_rehearsal (id, target, started_at, ended_at, passed) VALUES ($1, $2, $3, $4, $5)',
        [id, between.instant, startedAt, clock.now(), passed],
      ),
    )
  }
}

/** What a cluster at `address` holds of the signs of life. */
export async function lookAt(address: SqlAddress, { canary, before, after }: Between): Promise<Seen> {
  const as = { ...address, user: roles.migrator }
  const beats = await withConnection({ ...as, database: storeOf(canary) }, (client) =>
    beatsIn(client, canary.id),
  )
  const has = (wanted: Date) => beats.some((at) => at.getTime() === wanted.getTime())
  return { before: has(before), after: has(after), closed: await closedDatabases(as) }
}

/** The same look at the live cluster: it must see both. */
export async function lookAtLive(
  stores: Stores,
  { canary, before, after }: Between,
): Promise<Omit<Seen, 'closed'>> {
  const beats = await stores.asMigrator(
    'look at signs of life',
    (client) => beatsIn(client, canary.id),
    storeOf(canary),
  )
  const has = (wanted: Date) => beats.some((at) => at.getTime() === wanted.getTime())
  return { before: has(before), after: has(after) }
}

async function closedDatabases(address: SqlAddress): Promise<string[]> {
  const names = await withConnection({ ...address, database: databases.control }, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      `SELECT datname::text AS name FROM pg_database
       WHERE datallowconn AND has_database_privilege(oid, 'CONNECT') ORDER BY 1`,
    )
    return rows.map(({ name }) => name)
  })
  const closed: string[] = []
  for (const database of names)
    await withConnection({ ...address, database }, (client) =>
      client.query('SELECT count(*) FROM pg_class'),
    ).catch(() => closed.push(database))
  return closed
}

/** When the last rehearsal passed; null when it never did, or when the last one did not. */
export async function lastPassed({ control }: Stores): Promise<Date | null> {
  const [last] = await control.query<{ at: Date; passed: boolean }>(
    'SELECT ended_at AS at, passed FROM backup.cluster_rehearsal ORDER BY ended_at DESC LIMIT 1',
  )
  return last?.passed ? last.at : null
}
