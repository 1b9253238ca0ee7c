import { type TrustedWitness, verifyWitnessed } from '../witness/verifyWitnessed.ts'
import { openCheckpoint } from './checkpoint.ts'
import { leafHash, nodeHash, rootHash } from './merkle.ts'
import { parseEntries, TILE_WIDTH, tilePath } from './tiles.ts'
import type { Step } from './verify.ts'

/** Reads `checkpoint` or `tile/…` of a log; throws when it is not there. */
export type ReadLog = (path: string) => Promise<Buffer>

/**
 * Verifies a whole log from what it serves, trusting nothing but `logKey`: reads every record, builds the tree anew and
 * compares its root with the signed one. With `earlier`, a checkpoint kept from before, also that the log of then is the
 * beginning of the log of now: nothing was changed or cut off since. With a `witness` the same without having kept one.
 */
export async function verifyLog(
  read: ReadLog,
  logKey: string,
  { earlier, witness }: { earlier?: string; witness?: TrustedWitness } = {},
): Promise<{ ok: boolean; steps: Step[] }> {
  const steps: Step[] = []
  const step = (ok: boolean, what: string) => void steps.push({ ok, what })
  const readNote = async () => {
    const text = (await read('checkpoint')).toString()
    openCheckpoint(text, logKey)
    return text
  }
  const note = await readNote()
  const current = openCheckpoint(note, logKey)
  step(true, `the checkpoint of ${current.origin} at size ${current.size} is signed by the log key`)
  const leaves = await readLeaves(read, current.size)
  step(leaves.length === current.size, `${leaves.length} of ${current.size} records were served`)
  const whole = leaves.length === current.size
  const rootOf = (size: number) => rootHash(size, memoryReader(leaves))
  step(
    whole && (await rootOf(current.size)).equals(current.root),
    'they are what the checkpoint signs, in this order',
  )
  if (earlier !== undefined) {
    const before = openCheckpoint(earlier, logKey)
    step(true, `the earlier checkpoint, at size ${before.size}, is signed by the log key`)
    step(before.size <= current.size, 'the log did not shrink')
    const kept = whole && before.size <= current.size && (await rootOf(before.size)).equals(before.root)
    step(kept, 'what it signed then is unchanged at the beginning of the log')
  }
  if (witness) steps.push(...(await verifyWitnessed(note, witness, readNote)))
  return { ok: steps.every(({ ok }) => ok), steps }
}

async function readLeaves(read: ReadLog, size: number): Promise<Buffer[]> {
  const leaves: Buffer[] = []
  for (let first = 0; first < size; first += TILE_WIDTH) {
    const width = Math.min(TILE_WIDTH, size - first)
    const path = tilePath('entries', first / TILE_WIDTH, width)
    leaves.push(...parseEntries(await read(`tile/${path}`)).map(leafHash))
  }
  return leaves
}

/** Hashes of complete subtrees over leaves in memory, each computed once. */
export function memoryReader(leaves: readonly Buffer[]) {
  const known = new Map<string, Buffer>()
  const read = (level: number, index: number): Buffer => {
    if (level === 0) return leaves[index] as Buffer
    const key = `${level}/${index}`
    const hash = known.get(key) ?? nodeHash(read(level - 1, 2 * index), read(level - 1, 2 * index + 1))
    known.set(key, hash)
    return hash
  }
  return read
}
