import canonicalize from 'canonicalize'
import type { Database } from '../../data/index.ts'
import type { SqlClient, SqlResult } from '../../data/sql.ts'
import { defineProblem, Problem } from '../../kernel/problems.ts'
import { openCheckpoint, type Signer, signCheckpoint } from './checkpoint.ts'
import { inclusionProof, leafHash, nodeHash, type ReadNode, rootHash, verifyInclusion } from './merkle.ts'

const tooLarge = defineProblem({
  code: 'evidence-too-large',
  status: 500,
  title: 'A record is too large for the log',
})
const noEntry = defineProblem({ code: 'evidence-not-found', status: 404, title: 'No such record' })

/** Serialises appends; the number only has to be the same everywhere. */
const APPEND_LOCK = 821_912_302

/** C2SP tlog-tiles: an entry's length is written in 16 bits. */
const MOST_BYTES = 65_535

/** A record of the log as stored. */
export interface Entry {
  index: number
  /** The leaf: canonical JSON (RFC 8785). */
  leaf: Buffer
}

/**
 * Appends `record` under `subject` and signs the new tree, inside the caller's transaction: a crash leaves the log as it
 * was or whole with its checkpoint. Appends from several processes follow each other.
 */
export async function appendEvidence(
  client: SqlClient,
  signer: Signer,
  subject: string,
  record: object,
): Promise<Entry> {
  const leaf = Buffer.from(canonicalize(record) as string)
  if (leaf.length > MOST_BYTES)
    throw tooLarge(`A record of ${subject} has ${leaf.length} bytes; at most ${MOST_BYTES} fit.`)
  await client.query('SELECT pg_advisory_xact_lock($1)', [APPEND_LOCK])
  const index = await sizeOf(client)
  await client.query('INSERT INTO proof.entry (index, leaf, subject) VALUES ($1, $2, $3)', [
    index,
    leaf,
    subject,
  ])
  await addNodes(client, index, leafHash(leaf))
  const size = index + 1
  const root = await rootHash(size, nodeReader(client))
  const note = signCheckpoint({ origin: signer.name, size, root }, signer)
  await client.query('INSERT INTO proof.checkpoint (size, note) VALUES ($1, $2)', [size, note])
  return { index, leaf }
}

/** The newest checkpoint note with what witnesses said about it; undefined while the log is empty. */
export async function newestCheckpoint(db: Database): Promise<string | undefined> {
  const rows = await db.query<{ note: string }>(
    `SELECT c.note || coalesce((SELECT string_agg(s.line, '') FROM proof.cosignature s WHERE s.size = c.size), '') AS note
     FROM proof.checkpoint c ORDER BY c.size DESC LIMIT 1`,
  )
  return rows[0]?.note
}

/** The newest `limit` records under `subject`, newest first. */
export async function findEvidence(db: Database, subject: string, limit: number): Promise<Entry[]> {
  const rows = await db.query<{ index: string; leaf: Buffer }>(
    'SELECT index, leaf FROM proof.entry WHERE subject = $1 ORDER BY index DESC LIMIT $2',
    [subject, limit],
  )
  return rows.map(({ index, leaf }) => ({ index: Number(index), leaf }))
}

/**
 * Whether the stored record is the one that the newest checkpoint signs: its path through the tree is followed up to the
 * signed root, so nobody without the log's key can change a record and the hashes above it unseen.
 */
export async function isSealed(db: Database, logKey: string, entry: Entry): Promise<boolean> {
  const note = await newestCheckpoint(db)
  if (!note) return false
  try {
    const { size, root } = openCheckpoint(note, logKey)
    const proof = await inclusionProof(entry.index, size, nodeReader(db))
    return verifyInclusion({ index: entry.index, size, leaf: leafHash(entry.leaf), root }, proof)
  } catch (error) {
    if (error instanceof Problem) return false
    throw error
  }
}

/** A file that proves one record offline: see verify.ts and docs/evidence-format.md. */
export interface ProofBundle {
  format: 'surety-proof/1'
  index: number
  /** The leaf, base64. */
  entry: string
  /** Sibling hashes from the leaf to the root, base64. */
  inclusion: string[]
  /** The signed checkpoint note. */
  checkpoint: string
  /** The log's verifier key. Compare it with one that you got another way. */
  logKey: string
}

/** The bundle of record `index` under the newest checkpoint. Throws a Problem `evidence-not-found` (404). */
export async function bundleEvidence(db: Database, logKey: string, index: number): Promise<ProofBundle> {
  const rows = await db.query<{ leaf: Buffer }>('SELECT leaf FROM proof.entry WHERE index = $1', [index])
  const checkpoint = await newestCheckpoint(db)
  const leaf = rows[0]?.leaf
  if (!leaf || !checkpoint) throw noEntry(`The log has no record ${index}.`)
  const size = Number(checkpoint.split('\n')[1])
  const inclusion = await inclusionProof(index, size, nodeReader(db))
  return {
    format: 'surety-proof/1',
    index,
    entry: leaf.toString('base64'),
    inclusion: inclusion.map((hash) => hash.toString('base64')),
    checkpoint,
    logKey,
  }
}

async function sizeOf(client: SqlClient): Promise<number> {
  const { rows } = await client.query<{ size: string }>(
    'SELECT coalesce(max(index) + 1, 0) AS size FROM proof.entry',
  )
  return Number(rows[0]?.size)
}

/** Writes the leaf's hash and that of every subtree it completes. */
async function addNodes(client: SqlClient, leafIndex: number, hash: Buffer): Promise<void> {
  const read = nodeReader(client)
  let [level, index, current] = [0, leafIndex, hash]
  for (;;) {
    await client.query('INSERT INTO proof.node (level, index, hash) VALUES ($1, $2, $3)', [
      level,
      index,
      current,
    ])
    if (index % 2 === 0) return
    current = nodeHash(await read(level, index - 1), current)
    level += 1
    index = (index - 1) / 2
  }
}

type Reader = { query(text: string, values: unknown[]): Promise<unknown> }

/** Reads the hashes of complete subtrees. */
export function nodeReader(db: Reader): ReadNode {
  return async (level, index) => {
    const answer = await db.query('SELECT hash FROM proof.node WHERE level = $1 AND index = $2', [
      level,
      index,
    ])
    const rows = (Array.isArray(answer) ? answer : (answer as SqlResult).rows) as { hash: Buffer }[]
    if (!rows[0]) throw noEntry(`The log has no node ${level}/${index}.`)
    return rows[0].hash
  }
}
