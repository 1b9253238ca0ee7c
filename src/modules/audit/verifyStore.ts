import { NO_TENANT } from '../../data/actor.ts'
import type { SqlClient } from '../../data/sql.ts'
import { commitTo, readEntries, type SealedEntry } from './commitment.ts'
import type { RoundSeal } from './sealRound.ts'
import { rootOfHashes } from './sealStore.ts'

/** What a verification of trails came to. */
export interface TrailReport {
  /** Entries that were compared with their seals. */
  entries: number
  /** Not yet sealed: these can still be changed unseen. */
  unsealed: number
  /** Entries that name an actor whom the platform did not seal: somebody who got SQL in claimed to be them. */
  unproven: number
  /** What does not fit, as sentences. */
  findings: string[]
}

/** Compares the entries of one store with its seals, and those with what the rounds cover. */
export async function verifyStore(
  client: SqlClient,
  store: string,
  covered: readonly RoundSeal[],
): Promise<TrailReport> {
  const report: TrailReport = { entries: 0, unsealed: 0, unproven: 0, findings: [] }
  const tell = (finding: string) => void report.findings.push(`${store}: ${finding}`)
  const roots = new Map(covered.map(({ batch, root }) => [batch, root]))
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
  const last = covered.reduce((most, { batch }) => Math.max(most, batch), await lastBatch(client))
  let present = 0
  for (let batch = 1; batch <= last; batch++) {
    const seal = await readSeal(client, batch)
    const root = roots.get(batch)
    if (!seal) tell(`seal ${batch} is gone`)
    else {
      if (root && !seal.root.equals(root)) tell(`seal ${batch} is not the one that its round covers`)
      if (!(await rootOfHashes(seal.hashes)).equals(seal.root))
        tell(`seal ${batch} does not fit its own hashes`)
      const { there, findings } = await compareEntries(client, seal)
      for (const finding of findings) tell(finding)
      present += there
      report.entries += seal.ids.length
      report.unproven += seal.unproven
    }
  }
  report.unsealed = await countUnsealed(client, present, tell)
  await client.query('COMMIT')
  return report
}

interface Seal {
  batch: string
  /** Transactions, by which the entries are found; the same where they came from another server. */
  from: string
  to: string
  at: Date
  unproven: number
  ids: string[]
  hashes: Buffer
  root: Buffer
}

async function lastBatch(client: SqlClient): Promise<number> {
  const { rows } = await client.query<{ batch: string | null }>('SELECT max(batch) AS batch FROM audit.seal')
  return Number(rows[0]?.batch ?? 0)
}

async function readSeal(client: SqlClient, batch: number): Promise<Seal | undefined> {
  const { rows } = await client.query<Seal & Record<string, unknown>>(
    'SELECT batch, at, from_xact::text AS "from", to_xact::text AS "to", ids, hashes, root, cardinality(unproven) AS unproven FROM audit.seal WHERE batch = $1',
    [batch],
  )
  return rows[0]
}

async function compareEntries(client: SqlClient, seal: Seal): Promise<{ there: number; findings: string[] }> {
  const condition =
    seal.from === seal.to
      ? `e.id = ANY (ARRAY(SELECT unnest(s.ids) FROM audit.seal s WHERE s.batch = ${seal.batch}))`
      : `e.xact >= '${seal.from}' AND e.xact < '${seal.to}'`
  const now = new Map<string, Buffer>()
  for await (const entries of readEntries(client, condition))
    for (const entry of entries) now.set(entry.id, commitTo(entry))
  const there = seal.ids.filter((id) => now.has(id)).length
  const erased = there < seal.ids.length ? await erasedAmong(client, seal) : new Set<string>()
  const findings = seal.ids.flatMap((id, i) => {
    const hash = now.get(id)
    if (!hash) return erased.has(id) ? [] : [`entry ${id} is gone`]
    return hash.equals(seal.hashes.subarray(32 * i, 32 * i + 32)) ? [] : [`entry ${id} was changed`]
  })
  return { there, findings }
}

/** Nothing expires sooner (ms); see audit.expire. */
const KEPT_AT_LEAST = 90 * 86_400_000

/** Entries of the seal that may be gone: with their tenant, or because they are old. */
async function erasedAmong(client: SqlClient, { ids, at }: Seal): Promise<Set<string>> {
  const { rows } = await client.query<{ id: string; expired: boolean; now: Date }>(
    'SELECT id, whose = $2 AS expired, now() AS now FROM audit.erased WHERE id = ANY ($1)',
    [ids, NO_TENANT],
  )
  const allowed = rows.filter(({ expired, now }) => !expired || now.getTime() - at.getTime() > KEPT_AT_LEAST)
  return new Set(allowed.map(({ id }) => id))
}

/** What no seal covers: the newest entries. One among those sealed was slipped in later. */
async function countUnsealed(
  client: SqlClient,
  sealed: number,
  tell: (finding: string) => void,
): Promise<number> {
  const { rows } = await client.query<{ complete: string; open: string }>(
    `SELECT count(*) FILTER (WHERE e.xact < s.to_xact) AS complete, count(*) FILTER (WHERE e.xact >= s.to_xact) AS open
     FROM audit.entry e, (SELECT coalesce((SELECT to_xact FROM audit.seal ORDER BY batch DESC LIMIT 1), '0') AS to_xact) s`,
  )
  if (Number(rows[0]?.complete) > sealed) {
    const late = await client.query<{ id: string }>(
      `SELECT e.id FROM audit.entry e WHERE e.xact < (SELECT to_xact FROM audit.seal ORDER BY batch DESC LIMIT 1)
         AND NOT EXISTS (SELECT FROM audit.seal s WHERE e.id = ANY (s.ids))`,
    )
    for (const { id } of late.rows) tell(`entry ${id} was slipped in after its time was sealed`)
  }
  return Number(rows[0]?.open)
}

/**
 * Whether the newest sealed entry fits its seal, as it is and with one character more: what the comparison is worth.
 * Undefined while nothing is sealed.
 */
export async function trySeal(client: SqlClient): Promise<{ whole: boolean; changed: boolean } | undefined> {
  const seal = await readSeal(client, await lastBatch(client))
  if (!seal) return undefined
  await client.query('BEGIN READ ONLY')
  const { value } = await readEntries(client, `e.xact >= '${seal.from}' AND e.xact < '${seal.to}'`).next()
  await client.query('COMMIT')
  const entry = value?.[0] as SealedEntry | undefined
  if (entry?.id !== seal.ids[0]) return undefined
  const fits = (one: SealedEntry) => commitTo(one).equals(seal.hashes.subarray(0, 32))
  return { whole: fits(entry), changed: fits({ ...entry, target: `${entry.target}.` }) }
}
