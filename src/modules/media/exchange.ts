import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import type { Command } from './confinement.ts'

/** How a process ended that was asked something. */
export interface Ending {
  /** What it answered; empty when it did not. */
  answer: string
  /** Exit code or signal. */
  how: string
  /** The beginning of what it complained about. */
  complaint: string
  /** Why it was ended by us, if it was. */
  cut: 'timeout' | 'answer' | 'signal' | null
}

/** The descriptor that the answer comes from, and the first of those that are handed over. */
const ANSWER = 3
export const FIRST_HANDED = ANSWER + 1
const LONGEST_COMPLAINT = 2_000

/**
 * Runs `command`. Once it has written its first byte to descriptor 3 it gets `question` as standard input; what it writes
 * after that is the answer, `longest` bytes at most. The open files `handed` are its descriptors 4, 5 … Resolves when it
 * and all it started have let go of both.
 *
 * bubblewrap ends with its parent only when it has set everything up. Whoever has asked for the question has come that
 * far; were we killed before that, what is left behind finds no question and ends.
 */
export async function exchange(
  { program, args, env }: Command,
  question: Uint8Array,
  options: { handed: readonly number[]; longest: number; timeout: number; signal: AbortSignal },
): Promise<Ending> {
  const { handed, longest, timeout, signal } = options
  signal.throwIfAborted()
  const stdio = ['pipe', 'ignore', 'pipe', 'pipe', ...handed] as const
  // A group of its own, so that all of it is ended whatever it is at; and no terminal.
  const child = spawn(program, args, { env, stdio: [...stdio], detached: true })
  const ended = new Promise<string>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, by) => resolve(by ?? `exit code ${code}`))
  })
  let cut: Ending['cut'] = null
  const end = (why: NonNullable<Ending['cut']>) => {
    cut ??= why
    endGroup(child)
  }
  const timer = setTimeout(end, timeout, 'timeout')
  const abort = () => end('signal')
  signal.addEventListener('abort', abort, { once: true })
  const [stdin, , stderr, out] = child.stdio as unknown as [Writable, null, Readable, Readable]
  const answer: Buffer[] = []
  let length = 0
  out
    .once('data', () => stdin.end(question))
    .on('data', (part: Buffer) => {
      length += part.length
      if (length > longest) end('answer')
      else answer.push(part)
    })
  let complaint = ''
  stderr.setEncoding('utf8').on('data', (part: string) => {
    complaint = (complaint + part).slice(0, LONGEST_COMPLAINT)
  })
  // One that ends before it has read everything says why by how it ends.
  stdin.on('error', () => undefined)
  try {
    const how = await ended
    return { how, answer: Buffer.concat(answer).subarray(1).toString(), complaint, cut }
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
  }
}

function endGroup({ pid }: ChildProcess): void {
  try {
    if (pid) process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
