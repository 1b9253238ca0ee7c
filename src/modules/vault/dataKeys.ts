import { randomBytes } from 'node:crypto'
import type { Database } from '../../data/index.ts'
import type { SqlClient } from '../../data/sql.ts'
import type { Clock } from '../../kernel/clock.ts'
import { newId } from '../../kernel/ids.ts'
import type { Kms } from './kms.ts'
import { destroyed, refused } from './problems.ts'
import { openUses } from './uses.ts'

/** A tenant's data key, unwrapped. */
export interface DataKey {
  id: string
  version: number
  key: Buffer
}

/** The data keys of tenants, wrapped in the keys database and unwrapped in memory only. */
export interface DataKeys {
  /** The newest key of a tenant, made when there is none; counts one use. Throws `vault-destroyed`. */
  forWriting(tenantId: string): Promise<DataKey>
  /** The tenant's keys of one version, newest first, as read within the last second. Throws `vault-destroyed`. */
  forReading(tenantId: string, version: number): Promise<DataKey[]>
  /** Those that another process made since `tried` were read. Throws `vault-destroyed`. */
  madeSince(tenantId: string, version: number, tried: readonly DataKey[]): Promise<DataKey[]>
  /** One of the tenant's keys. Throws `vault-destroyed`; undefined when there is no such key. */
  byId(tenantId: string, id: string): Promise<DataKey | undefined>
  /** Deletes all keys of a tenant for good; elsewhere in force within a second. */
  destroy(tenantId: string): Promise<void>
  /** Reads everything anew, so that a new master key is used at once instead of within a second. */
  forget(): void
}

export interface DataKeyOptions {
  database: Database
  kms: Kms
  /** Keys of one ring know nothing of another's. */
  ring: string
  clock: Clock
  /** A key that was used this often makes way for a new one: at 2^32 random IVs are no longer safe (SP 800-38D §8.3). */
  usesPerKey: number
}

/** How long (ms) a process goes on with what it last read: until a destruction or a new master key is in force everywhere. */
export const FRESH_FOR = 1_000
/** Tenants whose keys are remembered. */
const MOST_TENANTS = 10_000

interface Row {
  id: string
  version: number
  wrapped: string
}

interface Known {
  readAt: number
  current: number
  isDestroyed: boolean
  rows: readonly Row[]
  /** By id. */
  opened: Map<string, Promise<DataKey>>
}

export function openDataKeys(options: DataKeyOptions): DataKeys {
  const { database, kms, ring, clock } = options
  const uses = openUses(database, options.usesPerKey)
  const tenants = new Map<string, { readAt: number; known: Promise<Known> }>()

  async function fresh(tenantId: string, isAsked = false): Promise<Known> {
    const now = performance.now()
    const last = tenants.get(tenantId)
    if (last && !isAsked && now - last.readAt < FRESH_FOR) return ifAlive(await last.known)
    const known = read(tenantId, last?.known)
    known.catch(() => tenants.delete(tenantId))
    tenants.delete(tenantId)
    tenants.set(tenantId, { readAt: now, known })
    if (tenants.size > MOST_TENANTS) tenants.delete(tenants.keys().next().value as string)
    return ifAlive(await known)
  }

  async function read(tenantId: string, last?: Promise<Known>): Promise<Known> {
    const rows = await database.query<Row & { current: number; isDestroyed: boolean }>(
      `SELECT k.id, k.version, k.wrapped, m.current, d.tenant_id IS NOT NULL AS "isDestroyed"
       FROM (SELECT max(version) AS current FROM vault.master_key WHERE ring = $1) m
       LEFT JOIN vault.destroyed d ON d.ring = $1 AND d.tenant_id = $2
       LEFT JOIN vault.data_key k ON k.ring = $1 AND k.tenant_id = $2
       ORDER BY k.version DESC, k.generation DESC`,
      [ring, tenantId],
    )
    const { current = 0, isDestroyed = false } = rows[0] ?? {}
    const keys = rows.filter(({ id }) => id !== null)
    const before = (await last?.catch(() => undefined))?.opened
    const kept = keys.flatMap(({ id }) => {
      const one = before?.get(id)
      return one ? [[id, one] as const] : []
    })
    return { readAt: performance.now(), current, isDestroyed, rows: keys, opened: new Map(kept) }
  }

  function open(tenantId: string, known: Known, row: Row): Promise<DataKey> {
    const opened = known.opened.get(row.id) ?? unwrap(kms, tenantId, row)
    opened.catch(() => known.opened.delete(row.id))
    known.opened.set(row.id, opened)
    return opened
  }

  /** Adds a key of the current version unless somebody else just did. */
  async function make(tenantId: string, { current, rows }: Known): Promise<void> {
    const id = newId()
    const wrapped = await kms.wrap(current, randomBytes(32), contextOf(tenantId, { id, version: current }))
    const generation = rows.filter(({ version }) => version === current).length + 1
    await database.transaction(async (client) => {
      await lock(client, ring, tenantId)
      await client.query(
        `INSERT INTO vault.data_key (id, ring, tenant_id, version, generation, wrapped_by, wrapped, made_at)
         SELECT $1, $2, $3, $4, $5, $4, $6, $7
         WHERE NOT EXISTS (SELECT FROM vault.destroyed WHERE ring = $2 AND tenant_id = $3)
         ON CONFLICT DO NOTHING`,
        [id, ring, tenantId, current, generation, wrapped, clock.now()],
      )
    })
  }

  return {
    async forWriting(tenantId) {
      for (let known = await fresh(tenantId); ; known = await fresh(tenantId, true)) {
        const newest = known.rows[0]
        if (newest?.version === known.current && (await uses.take(newest.id)))
          return open(tenantId, known, newest)
        // What was read may be a second old: look again before making a key that may be there.
        const now = await fresh(tenantId, true)
        if (now.rows[0]?.id === newest?.id) await make(tenantId, now)
      }
    },
    async forReading(tenantId, version) {
      const known = await fresh(tenantId)
      const rows = known.rows.filter((row) => row.version === version)
      return Promise.all(rows.map((row) => open(tenantId, known, row)))
    },
    async madeSince(tenantId, version, tried) {
      const known = await fresh(tenantId, true)
      const isNew = (row: Row) => row.version === version && tried.every(({ id }) => id !== row.id)
      return Promise.all(known.rows.filter(isNew).map((row) => open(tenantId, known, row)))
    },
    async byId(tenantId, id) {
      for (const isAsked of [false, true]) {
        const known = await fresh(tenantId, isAsked)
        const row = known.rows.find((one) => one.id === id)
        if (row) return open(tenantId, known, row)
      }
      return undefined
    },
    async destroy(tenantId) {
      await database.transaction(async (client) => {
        await lock(client, ring, tenantId)
        await client.query(
          'INSERT INTO vault.destroyed (ring, tenant_id, destroyed_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
          [ring, tenantId, clock.now()],
        )
        await client.query('DELETE FROM vault.data_key WHERE ring = $1 AND tenant_id = $2', [ring, tenantId])
      })
      tenants.delete(tenantId)
    },
    forget: () => tenants.clear(),
  }
}

function ifAlive(known: Known): Known {
  if (known.isDestroyed) throw destroyed('What this tenant had sealed cannot be read by anybody any more.')
  return known
}

/** Opens one wrapped key. Throws `vault-refused` when it was changed, moved or wrapped by another master key. */
export async function unwrap(kms: Kms, tenantId: string, { id, version, wrapped }: Row): Promise<DataKey> {
  const key = await kms.unwrap(wrapped, contextOf(tenantId, { id, version }))
  if (!key) throw refused(`Data key ${id} does not open: it was changed, moved or wrapped by another key.`)
  return { id, version, key }
}

/** What a wrapped data key is bound to. */
export function contextOf(tenantId: string, { id, version }: { id: string; version: number }): string {
  return `${tenantId}:${id}:v${version}`
}

/** Making a key and destroying all of them exclude each other. */
function lock(client: SqlClient, ring: string, tenantId: string): Promise<unknown> {
  return client.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`${ring} ${tenantId}`])
}
