import type { SqlClient } from '../../data/sql.ts'
import type { ProofApi } from '../../proof/api.ts'
import { ROUNDS, type RoundRecord, type RoundSeal, rootOfRound, type TrailStore } from './sealRound.ts'
import { type TrailReport, verifyStore } from './verifyStore.ts'

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
