import { setTimeout as sleep } from 'node:timers/promises'
import { contextOf, type DataKeyOptions, FRESH_FOR, unwrap } from './dataKeys.ts'
import { MOST_VERSIONS } from './format.ts'
import { masterKeyInvalid, noVersionLeft } from './problems.ts'

/** One master key and what hangs on it. */
export interface MasterKey {
  version: number
  madeAt: Date
  /** Whether it is here and is the key that it was. */
  isHere: boolean
  /** Data keys that it wraps now. */
  wraps: number
}

/** The master keys of one ring: which there are, and which is the current one. */
export interface MasterKeys {
  /** Refuses a current master key that is not what it was (Problem `master-key-invalid`); makes the first one. */
  check(): Promise<void>
  /** Makes the next master key the current one and returns its version. Throws `master-key-last`, `master-key-missing`. */
  rotate(): Promise<number>
  /** Wraps every data key by the current master key; carries on where an earlier, killed run ended. */
  rewrap(onProgress: (done: number, total: number) => void): Promise<void>
  /** The newest, once every process uses it. */
  settled(): Promise<number>
  list(): Promise<MasterKey[]>
  /** Deletes the ring with all its keys; only for one that nobody uses. */
  remove(): Promise<void>
}

export function openMasterKeys({
  database,
  kms,
  ring,
  clock,
}: Omit<DataKeyOptions, 'usesPerKey'>): MasterKeys {
  const read = () =>
    database.query<{ version: number; fingerprint: string; madeAt: Date; wraps: number }>(
      `SELECT version, fingerprint, made_at AS "madeAt",
         (SELECT count(*)::int FROM vault.data_key k WHERE k.ring = m.ring AND k.wrapped_by = m.version) AS wraps
       FROM vault.master_key m WHERE ring = $1 ORDER BY version`,
      [ring],
    )

  async function rotate(): Promise<number> {
    const version = ((await read()).at(-1)?.version ?? 0) + 1
    if (version > MOST_VERSIONS) throw noVersionLeft(`Master keys are numbered v1 to v${MOST_VERSIONS}.`)
    await database.query(
      `INSERT INTO vault.master_key (ring, version, fingerprint, made_at) VALUES ($1, $2, $3, $4)
       ON CONFLICT DO NOTHING`,
      [ring, version, await kms.provide(version), clock.now()],
    )
    return version
  }

  return {
    rotate,
    async settled() {
      const newest = (await read()).at(-1)
      if (!newest) return rotate()
      const age = clock.now().getTime() - newest.madeAt.getTime()
      await sleep(Math.max(0, 2 * FRESH_FOR - age))
      return newest.version
    },
    async check() {
      const newest = (await read()).at(-1)
      if (!newest) await rotate()
      else if (!(await kms.holds(newest.version, newest.fingerprint)))
        throw masterKeyInvalid(
          `Master key v${newest.version} is missing, or is not the one that stored secrets were sealed under.`,
        )
    },
    async rewrap(onProgress) {
      const newest = (await read()).at(-1)?.version ?? (await rotate())
      const keys = await database.query<{ id: string; tenantId: string; version: number; wrapped: string }>(
        `SELECT id, tenant_id AS "tenantId", version, wrapped FROM vault.data_key
         WHERE ring = $1 AND wrapped_by <> $2 ORDER BY id`,
        [ring, newest],
      )
      for (const [done, { tenantId, ...row }] of keys.entries()) {
        onProgress(done, keys.length)
        const { key } = await unwrap(kms, tenantId, row)
        const wrapped = await kms.wrap(newest, key, contextOf(tenantId, row))
        await database.query(
          'UPDATE vault.data_key SET wrapped = $2, wrapped_by = $3 WHERE id = $1 AND wrapped = $4',
          [row.id, wrapped, newest, row.wrapped],
        )
      }
      onProgress(keys.length, keys.length)
    },
    async list() {
      const keys = await read()
      return Promise.all(
        keys.map(async ({ version, fingerprint, madeAt, wraps }) => ({
          version,
          madeAt,
          wraps,
          isHere: await kms.holds(version, fingerprint),
        })),
      )
    },
    async remove() {
      for (const table of ['data_key', 'destroyed', 'master_key'])
        await database.query(`DELETE FROM vault.${table} WHERE ring = $1`, [ring])
    },
  }
}
