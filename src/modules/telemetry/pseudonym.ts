import { createHmac } from 'node:crypto'
import type { Clock } from '../../kernel/clock.ts'

/**
 * Names for people and addresses that do not tell who, under a key that is derived anew every `period` ms: within a period
 * the same one has the same name, so that lines belong together.
 */
export function openPseudonyms(secret: string, period: number, clock: Clock): (text: string) => string {
  let current = -1
  let key = Buffer.alloc(0)
  return (text) => {
    const now = Math.floor(clock.now().getTime() / period)
    if (now !== current) {
      current = now
      key = createHmac('sha256', secret).update(`pseudonyms|${now}`).digest()
    }
    return createHmac('sha256', key).update(text.toLowerCase()).digest('base64url').slice(0, 12)
  }
}
