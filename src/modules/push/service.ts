import type { Tenant } from '../tenancy/index.ts'
import type { OpenCredential } from './credentials.ts'

/** What a phone shows. */
export interface Message {
  /** A second message of the same id replaces the first on the device. */
  id: string
  title: string
  body: string
  data: Record<string, string>
}

/** What became of one message to one device. */
export type Delivery =
  | { outcome: 'sent' }
  /** The device is no longer known; `since` the service saw that. */
  | { outcome: 'gone'; since: Date }
  /** Worth another attempt, not before `after` milliseconds. */
  | { outcome: 'later'; after: number }
  /** This message will never be taken. */
  | { outcome: 'rejected'; reason: string }

/** Sends to one device of one push service. Throws `push-credentials-refused` (502). */
export type SendToDevice = (
  tenant: Tenant,
  credential: OpenCredential,
  token: string,
  message: Message,
) => Promise<Delivery>

/** `retry-after` in seconds, as both services give it; 0 without. */
export function retryAfter(headers: { 'retry-after'?: string }): number {
  const seconds = Number(headers['retry-after'])
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : 0
}

export function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
