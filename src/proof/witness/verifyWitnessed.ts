import { splitNote } from '../evidence/checkpoint.ts'
import type { Step } from '../evidence/verify.ts'
import { addCheckpointRequest, askWitness } from './ask.ts'
import { cosignedAt } from './cosignature.ts'

/** A witness as its verifier knows it. */
export interface TrustedWitness {
  /** Its verifier key, from a source other than the log. */
  key: string
  /** Where it answers; without it, its word on the checkpoint must do. */
  address?: string | undefined
  now: Date
}

/**
 * A log that adds records every hour is cosigned every hour. One that was cut back can show an old cosignature only, since
 * the witness gives no new one for less than it saw; so an old one does not count (ms).
 */
const GOOD_FOR = 24 * 3_600_000

/** How often the log may grow while the witness is asked. */
const TRIES = 5

/**
 * What the witness says about a served checkpoint: cosigned, lately, and that there is no larger one. `readNote` reads the
 * newest checkpoint once more, for a log that grows meanwhile; it checks the log's signature.
 */
export async function verifyWitnessed(
  note: string,
  { key, address, now }: TrustedWitness,
  readNote: () => Promise<string>,
): Promise<Step[]> {
  const name = key.split('+')[0]
  const at = cosignedAt(note, key)
  const age = at ? now.getTime() - at.getTime() : Number.POSITIVE_INFINITY
  const steps: Step[] = [
    { ok: at !== undefined, what: `the witness ${name} cosigned the checkpoint` },
    { ok: age < GOOD_FOR, what: `it did so in the last 24 hours${at ? `: ${at.toISOString()}` : ''}` },
  ]
  return address ? [...steps, await askForLarger(note, address, key, readNote)] : steps
}

/** Offers the witness what is served, as the log itself would: it answers 409 with the size when it has seen more. */
async function askForLarger(
  first: string,
  address: string,
  key: string,
  readNote: () => Promise<string>,
): Promise<Step> {
  let note = first
  for (let tries = 0; ; tries++) {
    const { size } = splitNote(note).checkpoint
    const answer = await askWitness(address, addCheckpointRequest(size, [], note))
    const agrees = answer.status === 200 && cosignedAt(`${note}${answer.body}`, key) !== undefined
    if (agrees) return { ok: true, what: 'asked now, it has seen nothing else' }
    const grown = answer.status === 409 && Number(answer.body) > size ? await readNote() : undefined
    // More than it saw of us before, and it cosigned that too: the log went on, and nothing was cut off.
    const goesOn = grown && splitNote(grown).checkpoint.size >= Number(answer.body)
    if (!goesOn || tries === TRIES) {
      const seen =
        answer.status === 409 ? `it has seen ${answer.body.trim()} records, ${size} are served` : ''
      return { ok: false, what: `asked now, it has seen nothing else: ${seen || answer.status}` }
    }
    note = grown
  }
}
