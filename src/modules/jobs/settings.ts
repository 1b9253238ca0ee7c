import type { BackoffOptions } from 'bullmq'
import { z } from 'zod'
import { duration } from '../../kernel/duration.ts'

export const settings = z.object({
  /** How often a job is tried in all, where its kind does not say otherwise. */
  attempts: z.number().int().min(1).max(15).default(5),
  /** Before the second attempt; doubles with each further one, less a random part of up to a quarter. */
  firstDelay: duration.default(1_000),
  /** A job that was given up is kept so long for people to look at. */
  keepDead: duration.default(30 * 86_400_000),
  /** A job whose worker died is in other hands after this at the latest. */
  takeOver: duration.default(15_000),
  /** How long a call waits for a Redis that is away. */
  waitFor: duration.default(2_000),
  /** Of all keys of the queues. */
  prefix: z
    .string()
    .regex(/^[a-z][a-z0-9-]*$/)
    .default('surety-jobs'),
})

export type JobSettings = z.output<typeof settings>

/** Exponential: the n-th pause is up to `firstDelay * 2^(n-1)`, so that jobs which failed together do not return together. */
export function backoffOf({ firstDelay }: Pick<JobSettings, 'firstDelay'>): BackoffOptions {
  return { type: 'exponential', delay: firstDelay, jitter: JITTER }
}

/** The part of a pause that is left to chance. */
export const JITTER = 0.25
