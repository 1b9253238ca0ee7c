import { type Argon2Parameters, argon2, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

/** What one Argon2id hash costs (RFC 9106): memory in KiB, passes, lanes. */
export interface Argon2Cost {
  memory: number
  passes: number
  parallelism: number
}

const derive = promisify<'argon2id', Argon2Parameters, Buffer>(argon2)
const FORM =
  /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/

/** `message` under Argon2id as a PHC string; the work is done off the event loop. `nonce`: 16 random bytes. */
export async function argon2Hash(message: string, nonce: Buffer, cost: Argon2Cost): Promise<string> {
  const tag = await derive('argon2id', { message, nonce, ...cost, tagLength: 32 })
  return `${prefixOf(cost)}$${unpadded(nonce)}$${unpadded(tag)}`
}

/** Whether `stored` (a PHC string) is the hash of `message`, by the cost that it names itself. */
export async function argon2Matches(message: string, stored: string): Promise<boolean> {
  const read = readPhc(stored)
  if (!read) return false
  const { nonce, tag, cost } = read
  const found = await derive('argon2id', { message, nonce, ...cost, tagLength: tag.length })
  return timingSafeEqual(found, tag)
}

/** How a PHC string of this cost begins. */
export function prefixOf({ memory, passes, parallelism }: Argon2Cost): string {
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}`
}

function readPhc(stored: string): { cost: Argon2Cost; nonce: Buffer; tag: Buffer } | undefined {
  const match = FORM.exec(stored)
  if (!match) return undefined
  const [memory, passes, parallelism] = match.slice(1, 4).map(Number) as [number, number, number]
  const [nonce, tag] = match.slice(4).map((text) => Buffer.from(text, 'base64')) as [Buffer, Buffer]
  return { cost: { memory, passes, parallelism }, nonce, tag }
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}
