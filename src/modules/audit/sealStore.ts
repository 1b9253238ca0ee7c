import type { SqlClient } from '../../data/sql.ts'
import { rootHash } from '../../proof/evidence/merkle.ts'
import { memoryReader } from '../../proof/evidence/verifyLog.ts'
import { commitTo, isActorProven, readEntries } from './commitment.ts'

/** Entries in one seal at most, unless one transaction alone made more. */
const MOST = 20_000

/**
 * Seals what is complete in the store that `client` (the sealer's) is connected to, and returns how many entries. Complete:
 * its transaction is older than every running one, so no further entry can appear among those sealed. `key` checks the
 * actors. Killed at any point, a seal is there whole or not at all; of two processes that seal at once, one fails on the
 * number of the batch.
 */
export async function sealStore(client: SqlClient, key: Uint8Array): Promise<number> {
  await client.query('BEGIN')
  try {
    const span = await nextSpan(client)
    const made = await commitToSpan(client, span, key)
    if (made.ids.length > 0) await insertSeal(client, span, made)
    await client.query('COMMIT')
    return made.ids.length
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined)
    throw error
  }
}

/** The root over the hashes of a seal, which lie one behind the other. */
export async function rootOfHashes(hashes: Buffer): Promise<Buffer> {
  const leaves = Array.from({ length: hashes.length / 32 }, (_, i) => hashes.subarray(32 * i, 32 * i + 32))
  return rootHash(leaves.length, memoryReader(leaves))
}

interface Span {
  batch: bigint
  from: bigint
  to: bigint
  /** The database came from another server, whose transactions had higher numbers. */
  moved: boolean
}

async function nextSpan(client: SqlClient): Promise<Span> {
  const { rows } = await client.query<{ batch: string; from: string; oldest: string }>(
    `SELECT coalesce(max(batch), 0) + 1 AS batch, coalesce((SELECT to_xact FROM audit.seal ORDER BY batch DESC LIMIT 1), '0')::text AS from,
       pg_snapshot_xmin(pg_current_snapshot())::text AS oldest
     FROM audit.seal`,
  )
  const [row] = rows as [{ batch: string; from: string; oldest: string }]
  const [batch, from, oldest] = [BigInt(row.batch), BigInt(row.from), BigInt(row.oldest)]
  if (from > oldest) return { batch, from, to: oldest, moved: true }
  const cut = await client.query<{ xact: string }>(
    'SELECT xact::text FROM audit.entry WHERE xact >= $1::xid8 AND xact < $2::xid8 ORDER BY xact OFFSET $3 LIMIT 1',
    [row.from, row.oldest, MOST],
  )
  const first = await client.query<{ xact: string }>(
    'SELECT xact::text FROM audit.entry WHERE xact >= $1::xid8 ORDER BY xact LIMIT 1',
    [row.from],
  )
  const end = cut.rows[0] ? BigInt(cut.rows[0].xact) : oldest
  const begin = first.rows[0] ? BigInt(first.rows[0].xact) : oldest
  return { batch, from, to: end > begin ? end : begin + 1n < oldest ? begin + 1n : oldest, moved: false }
}

interface Commitments {
  ids: string[]
  hashes: Buffer
  unproven: string[]
}

async function commitToSpan(
  client: SqlClient,
  { from, to, moved }: Span,
  key: Uint8Array,
): Promise<Commitments> {
  const condition = moved
    ? `(e.xact >= '${from}' OR e.xact < '${to}') AND NOT e.id = ANY (ARRAY(SELECT unnest(s.ids) FROM audit.seal s))`
    : `e.xact >= '${from}' AND e.xact < '${to}'`
  const [ids, hashes, unproven]: [string[], Buffer[], string[]] = [[], [], []]
  for await (const entries of readEntries(client, condition))
    for (const entry of entries) {
      ids.push(entry.id)
      hashes.push(commitTo(entry))
      if (!isActorProven(entry, key)) unproven.push(entry.id)
    }
  return { ids, hashes: Buffer.concat(hashes), unproven }
}

async function insertSeal(
  client: SqlClient,
  { batch, from, to, moved }: Span,
  { ids, hashes, unproven }: Commitments,
): Promise<void> {
  await client.query(
    `INSERT INTO audit.seal (batch, from_xact, to_xact, ids, hashes, root, unproven)
     VALUES ($1, $2::xid8, $3::xid8, $4, $5, $6, $7)`,
    [String(batch), String(moved ? to : from), String(to), ids, hashes, await rootOfHashes(hashes), unproven],
  )
}
