import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { and, eq } from 'drizzle-orm'
import type { Stores } from '../../data/index.ts'
import { Sealed } from '../../data/secretColumn.ts'
import { keepSecret } from '../../data/secrets.ts'
import type { Clock } from '../../kernel/clock.ts'
import { newId } from '../../kernel/ids.ts'
import type { CanaryPair, Tenant } from '../tenancy/index.ts'
import { canary } from './canary.ts'
import { openDataKeys } from './dataKeys.ts'
import { fileKms, type MasterKeyFiles } from './fileKms.ts'
import type { Kms } from './kms.ts'
import { type MasterKeys, openMasterKeys } from './masterKeys.ts'
import { openSealing, type Sealing } from './vault.ts'

/** What the vault's probes work with. */
export interface ProbeParts {
  stores: Stores
  /** The running deployment's. */
  sealing: Sealing
  kms: Kms
  master: MasterKeys
  commitment: boolean
  canaries: () => Promise<CanaryPair[]>
  /** Alerts raised so far by the running deployment's vault in this process. */
  alerts: () => number
}

/** A row of the canary table as it was read. */
export type CanaryRow = typeof canary.$inferSelect

/** A token sealed into a canary tenant, as it is stored. */
export interface PlantedToken {
  token: string
  refreshToken: string
  row: CanaryRow & { accessToken: Sealed; refreshToken: Sealed }
}

/** Seals tokens of a new social account into `tenant` for as long as `work` takes. */
export async function withToken<T>(
  sealing: Pick<Sealing, 'seal'>,
  tenant: Tenant,
  work: (planted: PlantedToken) => Promise<T>,
): Promise<T> {
  const socialAccountId = newId()
  const [token, refreshToken] = [`token-${newId()}`, `refresh-${newId()}`]
  const clear = { socialAccountId, platform: 'mastodon', accessToken: token, refreshToken }
  const values = await sealing.seal(tenant, canary, clear)
  try {
    const row = await tenant.transaction(async (db) => {
      await db.insert(canary).values(values)
      const [stored] = await db.select().from(canary).where(eq(canary.socialAccountId, socialAccountId))
      return stored as PlantedToken['row']
    })
    return await work({ token, refreshToken, row })
  } finally {
    await removeAccount(tenant, socialAccountId)
  }
}

/** Writes `text` as access token of another account and reads it back. The caller removes the account. */
export async function store(
  tenant: Tenant,
  at: Pick<CanaryRow, 'socialAccountId' | 'platform'>,
  tokens: Partial<Pick<CanaryRow, 'accessToken' | 'refreshToken'>>,
): Promise<CanaryRow> {
  return tenant.transaction(async (db) => {
    await db.insert(canary).values({ ...at, ...tokens })
    const same = and(eq(canary.socialAccountId, at.socialAccountId), eq(canary.platform, at.platform))
    const [row] = await db.select().from(canary).where(same)
    return row as CanaryRow
  })
}

/** Removes all rows of an account. */
export async function removeAccount(tenant: Tenant, socialAccountId: string): Promise<void> {
  await tenant.transaction((db) => db.delete(canary).where(eq(canary.socialAccountId, socialAccountId)))
}

/** What became of opening: `opened`, or the code of the refusal. */
export async function outcomeOf(opening: Promise<unknown>): Promise<string> {
  return opening.then(
    () => 'opened',
    (error: { code?: string }) => {
      if (!error.code) throw error
      return error.code
    },
  )
}

/** A sealed text as it would be read from a row. */
export const asSealed = (text: string): Sealed => new Sealed(text, ['social_account_id', 'platform'])

/** A vault with master keys and data keys of its own. */
export interface ScratchVault {
  master: MasterKeys
  sealing: Sealing
  /** File of each master key. */
  files: MasterKeyFiles
  /** The same ring seen by a process that has only `files`. */
  withFiles(files: MasterKeyFiles): Sealing
}

/** A ring older than this (ms) was left by a probe that was killed. */
const RING_LIFE = 3_600_000

/** Opens a vault of its own with two master keys, the first in use, for as long as `work` takes. */
export async function withScratchVault<T>(
  { keys }: Stores,
  clock: Clock,
  work: (scratch: ScratchVault) => Promise<T>,
): Promise<T> {
  await removeOldRings(keys, clock)
  const folder = await mkdtemp(join(tmpdir(), 'surety-vault-'))
  const files = Object.fromEntries(
    ['v1', 'v2'].map((version) => {
      keepSecret(folder, version)
      return [version, join(folder, version)]
    }),
  )
  const ring = `probe ${newId()}`
  const optionsFor = (files: MasterKeyFiles) => ({ database: keys, kms: fileKms(folder, files), ring, clock })
  const withFiles = (files: MasterKeyFiles) =>
    openSealing({
      keys: openDataKeys({ ...optionsFor(files), usesPerKey: 2 ** 31 }),
      commitment: false,
      onRefused: () => undefined,
    })
  const master = openMasterKeys(optionsFor(files))
  try {
    await master.check()
    return await work({ master, files, sealing: withFiles(files), withFiles })
  } finally {
    await master.remove()
    await rm(folder, { recursive: true, force: true })
  }
}

async function removeOldRings(keys: Stores['keys'], clock: Clock): Promise<void> {
  const old = await keys.query<{ ring: string }>(
    `SELECT DISTINCT ring FROM vault.master_key WHERE starts_with(ring, 'probe ') AND made_at < $1`,
    [new Date(clock.now().getTime() - RING_LIFE)],
  )
  for (const { ring } of old) {
    await keys.query('DELETE FROM vault.data_key WHERE ring = $1', [ring])
    await keys.query('DELETE FROM vault.master_key WHERE ring = $1', [ring])
  }
}
