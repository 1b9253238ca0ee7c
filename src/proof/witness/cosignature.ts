import { sign, verify } from 'node:crypto'
import {
  COSIGNATURE,
  parseVerifierKey,
  type Signer,
  signatureLine,
  signaturesBy,
  splitNote,
} from '../evidence/checkpoint.ts'

/**
 * A cosignature (C2SP tlog-cosignature, `cosignature/v1`) as a signature line: the witness saw, at `at`, that this
 * checkpoint continues every one it saw before, and none larger.
 */
export function cosign(note: string, witness: Signer, at: Date): string {
  const time = BigInt(Math.floor(at.getTime() / 1000))
  const stamp = Buffer.alloc(8)
  stamp.writeBigUInt64BE(time)
  const signature = sign(null, message(note, time), witness.key)
  return signatureLine(witness, COSIGNATURE, Buffer.concat([stamp, signature]))
}

/** When the holder of `witnessKey` cosigned `note`, the latest time; undefined when it did not. */
export function cosignedAt(note: string, witnessKey: string): Date | undefined {
  const verifier = parseVerifierKey(witnessKey, COSIGNATURE)
  const times = signaturesBy(note, verifier)
    .filter((bytes) => bytes.length === 72)
    .map((bytes) => ({ time: bytes.readBigUInt64BE(), signature: bytes.subarray(8) }))
    .filter(({ time, signature }) => verify(null, message(note, time), verifier.key, signature))
    .map(({ time }) => Number(time))
  return times.length === 0 ? undefined : new Date(Math.max(...times) * 1000)
}

function message(note: string, time: bigint): Buffer {
  return Buffer.concat([Buffer.from(`cosignature/v1\ntime ${time}\n`), splitNote(note).body])
}
