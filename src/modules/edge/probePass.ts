import { createHmac, timingSafeEqual } from 'node:crypto'
import { isIP } from 'node:net'

/** Header of requests that the deployment's own probes send. */
export const PROBE_PASS = 'x-surety-probe'

/** Milliseconds that a pass may be used. */
const LIFE = 30_000

/** Where a probe's request is to be counted as coming from; null: it is not counted at all. */
export interface ProbePass {
  from: string | null
}

/** A pass that only holders of `secret` can make; for one request of a probe. */
export function makePass(secret: string, now: Date, from: string | null): string {
  const text = `${now.getTime() + LIFE}|${from ?? ''}`
  return `${text}|${macOf(secret, text)}`
}

/** The pass in a header; undefined when there is none, or when it is forged or too old. */
export function readPass(secret: string, now: Date, header: unknown): ProbePass | undefined {
  if (typeof header !== 'string' || header.length > 200) return undefined
  const [until = '', from = '', mac = '', ...more] = header.split('|')
  const expected = Buffer.from(macOf(secret, `${until}|${from}`))
  const given = Buffer.from(mac)
  if (more.length > 0 || given.length !== expected.length || !timingSafeEqual(given, expected))
    return undefined
  const left = Number(until) - now.getTime()
  if (!(left > 0 && left <= 2 * LIFE) || (from !== '' && isIP(from) === 0)) return undefined
  return { from: from === '' ? null : from }
}

const macOf = (secret: string, text: string): string =>
  createHmac('sha256', secret).update(`probe-pass|${text}`).digest('base64url')
