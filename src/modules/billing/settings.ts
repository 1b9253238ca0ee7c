import { z } from 'zod'
import { duration } from '../../kernel/duration.ts'

const DAY = 86_400_000

export const settings = z.object({
  /** Mollie's API key; without one nothing is asked of Mollie. Name its file: SURETY_BILLING__KEY_FILE. */
  key: z
    .string()
    .regex(/^(live|test)_[A-Za-z0-9]{20,}$/, 'a key of Mollie begins with live_ or test_')
    .optional(),
  apiUrl: z.url({ protocol: /^https$/ }).default('https://api.mollie.com'),
  /** How often notifications are looked for that nobody processes, and how old they are by then. */
  sweepEvery: duration.default(60_000),
  sweepAfter: duration.default(120_000),
  /** One attempt at a notification may take so long; then another process may begin it anew. */
  lease: duration.default(30_000),
  /** How often Mollie is asked for changes of which no notification arrived. */
  reconcileEvery: duration.default(3_600_000),
  /** A notification that cannot be processed for so long is given up, with an alarm. */
  giveUpAfter: duration.default(DAY),
  /** How long processed notifications are kept. */
  keepDone: duration.default(90 * DAY),
})

export type BillingSettings = z.output<typeof settings>

/** Whether a key moves real money. */
export const modeOf = (key: string): 'live' | 'test' => (key.startsWith('live_') ? 'live' : 'test')
