import type { Database } from '../../data/index.ts'
import { defineProblem } from '../../kernel/problems.ts'
import { splitNote } from '../evidence/checkpoint.ts'
import { newestCheckpoint, nodeReader } from '../evidence/log.ts'
import { consistencyProof } from '../evidence/merkle.ts'
import { addCheckpointRequest, askWitness } from './ask.ts'
import { cosignedAt } from './cosignature.ts'

const refused = defineProblem({
  code: 'witness-refused',
  status: 502,
  title: 'The witness did not cosign the log',
})

/** Where checkpoints are shown to somebody who does not forget. */
export interface WitnessAddress {
  /** See `askWitness`. */
  address: string
  /** Its verifier key, from who runs it. */
  key: string
}

/**
 * Shows the newest checkpoint to the witness and keeps its cosignature, unless it has one. Throws a Problem
 * `witness-refused` when the witness remembers another log than this one: what is here was cut off or rewritten.
 */
export async function pushCheckpoint(db: Database, witness: WitnessAddress): Promise<void> {
  const note = await newestCheckpoint(db)
  if (!note || cosignedAt(note, witness.key)) return
  const { size } = splitNote(note).checkpoint
  let old = await lastCosigned(db)
  for (let tries = 0; tries < 2; tries++) {
    if (old > size)
      throw refused(`It has seen this log with ${old} records; here it has ${size}. Records were cut off.`)
    const proof = await consistencyProof(old, size, nodeReader(db))
    const answer = await askWitness(witness.address, addCheckpointRequest(old, proof, note))
    if (answer.status === 200) return keep(db, witness, note, answer.body)
    if (answer.status !== 409)
      throw refused(`It answered ${answer.status}: ${answer.body.slice(0, 200).trim()}`)
    const seen = Number(answer.body)
    // Another process may have shown it the same checkpoint meanwhile: then it is asked for what it has seen.
    if (seen === old && seen === size)
      throw refused(`It has seen other records than the ${size} that are here.`)
    old = seen
  }
  throw refused('It kept changing its mind.')
}

async function lastCosigned(db: Database): Promise<number> {
  const [row] = await db.query<{ size: string }>(
    'SELECT coalesce(max(size), 0) AS size FROM proof.cosignature',
  )
  return Number(row?.size)
}

async function keep(db: Database, { key }: WitnessAddress, note: string, lines: string): Promise<void> {
  const line = lines.split('\n').find((one) => cosignedAt(`${note}${one}\n`, key) !== undefined)
  if (line === undefined) throw refused('Its answer holds no valid cosignature of the expected key.')
  await db.query('INSERT INTO proof.cosignature (size, line) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
    splitNote(note).checkpoint.size,
    `${line}\n`,
  ])
}
