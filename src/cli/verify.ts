import { readFileSync } from 'node:fs'
import { get } from 'node:https'
import { buffer } from 'node:stream/consumers'
import pc from 'picocolors'
import { systemClock } from '../kernel/clock.ts'
import { defineProblem } from '../kernel/problems.ts'
import { type Step, verifyBundle } from '../proof/evidence/verify.ts'
import { type ReadLog, verifyLog } from '../proof/evidence/verifyLog.ts'
import { findHost } from './findHost.ts'

/** What to verify, and what to trust for it. */
export interface VerifyOptions {
  url?: string
  key?: string
  earlier?: string
  witnessKey?: string
  witness?: string
  ca?: string
}

const unclear = defineProblem({ code: 'verify', status: 400, title: 'It is not clear what to verify' })
const unread = defineProblem({ code: 'log-unread', status: 502, title: 'The log could not be read' })

/** Prints each step of the verification; resolves to the exit code: 0 when all of them hold. */
export async function verify(file: string | undefined, options: VerifyOptions): Promise<number> {
  if (!file === !options.url) throw unclear('Name either a downloaded proof or the --url of a log.')
  const { ok, steps } = options.url
    ? await verifyServed(options.url, options)
    : verifyBundle(read(file as string), options.key)
  for (const step of steps) console.log(`${step.ok ? pc.green('✓') : pc.red('✕')} ${step.what}`)
  return ok ? 0 : 1
}

async function verifyServed(
  url: string,
  { key, earlier, ca, witnessKey, witness }: VerifyOptions,
): Promise<{ ok: boolean; steps: Step[] }> {
  if (!key) throw unclear('A served log is verified with its --key, which you got from a source you trust.')
  const base = url.replace(/\/+$/, '')
  if (witness && !witnessKey) throw unclear('A witness is believed by its --witness-key.')
  return verifyLog(readFrom(base, ca), key, {
    ...(earlier === undefined ? {} : { earlier: read(earlier) }),
    ...(witnessKey ? { witness: { key: witnessKey, address: witness, now: systemClock.now() } } : {}),
  })
}

function readFrom(base: string, ca: string | undefined): ReadLog {
  const authority = ca === undefined ? {} : { ca: read(ca) }
  return (path) => {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
    const fail = (cause: Error) => reject(unread(`${base}/${path}: ${cause.message}`, { cause }))
    get(`${base}/${path}`, { ...authority, lookup: findHost, timeout: 30_000 }, (answer) => {
      if (answer.statusCode === 200) buffer(answer).then(resolve, fail)
      else fail(new Error(`status ${answer.statusCode}`))
    }).on('error', fail)
    return promise
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw unclear(`${file} cannot be read.`, { cause })
  }
}
