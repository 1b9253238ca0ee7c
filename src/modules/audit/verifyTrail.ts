import { NO_TENANT } from '../../data/actor.ts'
import type { SqlClient } from '../../data/sql.ts'
import type { ProofApi } from '../../proof/api.ts'
import { commitTo, readEntries, type SealedEntry } from './commitment.ts'
import { ROUNDS, type RoundRecord, type RoundSeal, rootOfRound, type TrailStore } from './sealRound.ts'
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

/** Connects to a store with a role that reads its whole trail. */
export type InStore = <T>(store: TrailStore, work: (client: SqlClient) => Promise<T>) => Promise<T>

/**
 * Compares every sealed entry of every store with its seal, every seal with its round, and every round with its leaf in
 * the evidence log, up to the signed checkpoint. `tenants`: the ids of those that there are. Hashes here, in this process: the database is asked for rows alone.
 */
export async function verifyTrails(
  proof: ProofApi,
  control: SqlClient,
  stores: readonly TrailStore[],
  tenants: ReadonlySet<string>,
  inStore: InStore,
): Promise<TrailReport> {
  const rounds = await readRounds(control)
  const report: TrailReport = {
    entries: 0,
    unsealed: 0,
    unproven: 0,
    findings: await verifyRounds(proof, rounds),
  }
  for (const store of stores) {
    const covered = rounds.filter((seal) => seal.store === store.name)
    const part = await inStore(store, async (client) => {
      const found = await verifyStore(client, store.name, covered)
      return { ...found, findings: [...found.findings, ...(await erasedOf(client, tenants))] }
    })
    report.entries += part.entries
    report.unsealed += part.unsealed
    report.unproven += part.unproven
    report.findings.push(...part.findings)
  }
  return report
}

/** Only what an erased tenant had may be erased. */
async function erasedOf(client: SqlClient, tenants: ReadonlySet<string>): Promise<string[]> {
  const { rows } = await client.query<{ whose: string; n: string }>(
    'SELECT whose, count(*) AS n FROM audit.erased GROUP BY whose',
  )
  return rows
    .filter(({ whose }) => tenants.has(whose))
    .map(({ whose, n }) => `${n} entries of the tenant ${whose} are called erased, and it is still there`)
}

interface CoveredSeal extends RoundSeal {
  round: number
}

async function readRounds(control: SqlClient): Promise<CoveredSeal[]> {
  const { rows } = await control.query<
    Record<'store' | 'batch' | 'round', string> & { entries: number; root: Buffer }
  >('SELECT store, batch, entries, root, round FROM audit.round_seal ORDER BY round, store, batch')
  return rows.map((row) => ({ ...row, batch: Number(row.batch), round: Number(row.round) }))
}

async function verifyRounds(proof: ProofApi, seals: readonly CoveredSeal[]): Promise<string[]> {
  const findings: string[] = []
  const leaves = await proof.records<RoundRecord>(ROUNDS, Number.MAX_SAFE_INTEGER)
  const byRound = Map.groupBy(seals, ({ round }) => round)
  for (const { record, index, intact } of leaves) {
    if (!intact) findings.push(`record ${index} of the evidence log is not the one that the checkpoint signs`)
    const covered = byRound.get(record.round) ?? []
    byRound.delete(record.round)
    const root = covered.length === 0 ? null : (await rootOfRound(covered)).toString('hex')
    if (root !== record.root)
      findings.push(`round ${record.round}: its seals are not those that the evidence log holds`)
  }
  for (const round of byRound.keys()) findings.push(`round ${round} is not in the evidence log`)
  return findings
}

async function verifyStore(
  client: SqlClient,
  store: string,
  covered: readonly RoundSeal[],
): Promise<TrailReport> {
  const report: TrailReport = { entries: 0, unsealed: 0, unproven: 0, findings: [] }
  const tell = (finding: string) => void report.findings.push(`${store}: ${finding}`)
  const roots = new Map(covered.map(({ batch, root }) => [batch, root]))
  const last = await lastBatch(client)
  let present = 0
  for (let batch = 1; batch <= Math.max(last, ...roots.keys()); batch++) {
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
  return report
}

interface Seal {
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
    'SELECT at, from_xact::text AS "from", to_xact::text AS "to", ids, hashes, root, cardinality(unproven) AS unproven FROM audit.seal WHERE batch = $1',
    [batch],
  )
  return rows[0]
}

async function compareEntries(client: SqlClient, seal: Seal): Promise<{ there: number; findings: string[] }> {
  const entries =
    seal.from === seal.to
      ? await readEntries(client, 'e.id = ANY ($1)', [seal.ids])
      : await readEntries(client, 'e.xact >= $1::xid8 AND e.xact < $2::xid8', [seal.from, seal.to])
  const now = new Map(entries.map((entry) => [entry.id, commitTo(entry)]))
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
  const [entry] = seal ? await readEntries(client, 'e.id = $1', [seal.ids[0]]) : []
  if (!seal || !entry) return undefined
  const fits = (one: SealedEntry) => commitTo(one).equals(seal.hashes.subarray(0, 32))
  return { whole: fits(entry), changed: fits({ ...entry, target: `${entry.target}.` }) }
}
