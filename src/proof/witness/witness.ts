import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../../kernel/clock.ts'
import { Problem } from '../../kernel/problems.ts'
import { writeWhole } from '../../kernel/writeWhole.ts'
import { type Checkpoint, openCheckpoint, type Signer, splitNote } from '../evidence/checkpoint.ts'
import { verifyConsistency } from '../evidence/merkle.ts'
import { cosign } from './cosignature.ts'

/** What a witness answers, as HTTP. */
export interface WitnessAnswer {
  status: 200 | 400 | 403 | 404 | 409 | 422
  type: 'text/plain; charset=utf-8' | 'text/x.tlog.size'
  body: string
}

/** Remembers the largest checkpoint of each log that it knows and cosigns only what continues it. */
export interface Witness {
  /** C2SP tlog-witness, `add-checkpoint`. What is remembered is on the disk before the answer is given. */
  addCheckpoint(request: string): WitnessAnswer
}

const REQUEST = /^old (0|[1-9]\d{0,15})\n((?:[A-Za-z0-9+/]{43}=\n){0,63})\n([\s\S]+)$/

/**
 * Opens a witness that keeps what it saw in `folder`. `logKeys` gives the verifier keys of the logs that it knows. It
 * answers one request after the other, so that no older checkpoint can overtake a newer one; one process a folder.
 */
export function openWitness(options: {
  folder: string
  signer: Signer
  logKeys(): readonly string[]
  clock: Clock
}): Witness {
  const { folder, signer, logKeys, clock } = options

  return {
    addCheckpoint(request) {
      const match = REQUEST.exec(request)
      if (!match) return plain(400, 'The body is: old <size>, proof lines, an empty line, a checkpoint.')
      const [, old, lines, note] = match as unknown as [string, string, string, string]
      const named = nameOf(note)
      if (!named) return plain(400, 'What follows the empty line is no checkpoint.')
      const keys = logKeys().filter((key) => key.startsWith(`${named.origin}+`))
      if (keys.length === 0) return plain(404, 'This log is not known here.')
      const offered = keys.map((key) => tryOpen(note, key)).find((opened) => opened !== undefined)
      if (!offered) return plain(403, 'No signature of the log is valid.')
      if (Number(old) > offered.size) return plain(400, 'The old size is larger than the new one.')
      const seen = remembered(folder, offered.origin, keys)
      if (Number(old) !== (seen?.size ?? 0)) return sizeOf(seen)
      if (seen && seen.size === offered.size && !seen.root.equals(offered.root)) return sizeOf(seen)
      if (!continues(seen, offered, lines))
        return plain(422, 'The new checkpoint does not continue the old one.')
      writeWhole(fileOf(folder, offered.origin), note)
      return plain(200, cosign(note, signer, clock.now()))
    },
  }
}

const plain = (status: WitnessAnswer['status'], body: string): WitnessAnswer => ({
  status,
  type: 'text/plain; charset=utf-8',
  body: body.endsWith('\n') ? body : `${body}\n`,
})

const sizeOf = (seen: Checkpoint | undefined): WitnessAnswer => ({
  status: 409,
  type: 'text/x.tlog.size',
  body: `${seen?.size ?? 0}\n`,
})

function continues(seen: Checkpoint | undefined, offered: Checkpoint, lines: string): boolean {
  const proof = lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => Buffer.from(line, 'base64'))
  return seen ? verifyConsistency(seen, offered, proof) : proof.length === 0
}

function nameOf(note: string): Checkpoint | undefined {
  return quietly(() => splitNote(note).checkpoint)
}

function tryOpen(note: string, key: string): Checkpoint | undefined {
  return quietly(() => openCheckpoint(note, key))
}

function quietly<T>(open: () => T): T | undefined {
  try {
    return open()
  } catch (error) {
    if (error instanceof Problem) return undefined
    throw error
  }
}

/** The checkpoint that was cosigned last. A file that cannot be read is an error and never the beginning of a log. */
function remembered(folder: string, origin: string, keys: readonly string[]): Checkpoint | undefined {
  const file = fileOf(folder, origin)
  if (!existsSync(file)) return undefined
  const note = readFileSync(file, 'utf8')
  const opened = keys.map((key) => tryOpen(note, key)).find((one) => one !== undefined)
  if (!opened) throw new Error(`${file} does not hold a checkpoint of ${origin}; nothing of it is cosigned.`)
  return opened
}

const fileOf = (folder: string, origin: string): string =>
  join(folder, `${createHash('sha256').update(origin).digest('hex')}.checkpoint`)
