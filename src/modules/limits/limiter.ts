import type { Redis } from 'ioredis'
import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import { type Demand, openLocalBuckets, takeFromRedis, type Verdict } from './gcra.ts'

/** Counts. A test may replace its functions. */
export interface Limiter {
  /**
   * Takes all demands or none; refused when a verdict has to wait. While Redis is away an `attempt` is counted by this
   * process against a share of its budget, and anything else is admitted uncounted (no verdicts).
   */
  admit(demands: readonly Demand[], attempt: boolean): Promise<Verdict[]>
  /** Fills a bucket again. */
  forget(key: string): Promise<void>
}

/** After a failure Redis is left alone for so long (ms), so that an outage costs no request its time. */
const PAUSE = 1_000

/** `within`: milliseconds that Redis may take. `awayShare`: part of a budget that a process grants while it is away. */
export function openLimiter(
  redis: Redis,
  { within, awayShare, clock, log }: { within: number; awayShare: number; clock: Clock; log: Log },
): Limiter {
  const local = openLocalBuckets()
  let awayUntil = 0
  return {
    async admit(demands, attempt) {
      if (performance.now() >= awayUntil) {
        try {
          return await inTime(takeFromRedis(redis, demands), within)
        } catch (error) {
          awayUntil = performance.now() + PAUSE
          log.warn({ err: error }, 'limits count without Redis')
        }
      }
      if (!attempt) return []
      const smaller = demands.map((demand) => ({ ...demand, budget: shareOf(demand.budget, awayShare) }))
      return local(smaller, clock.now().getTime())
    },
    async forget(key) {
      await redis.del(key).catch((error: unknown) => log.warn({ err: error }, 'a budget stays spent'))
    },
  }
}

const shareOf = (budget: Demand['budget'], share: number): Demand['budget'] => ({
  ...budget,
  amount: Math.max(1, Math.floor(budget.amount * share)),
})

/** After the time is over one more turn of the event loop is waited: the answer may lie there unread. */
function inTime<T>(work: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = () => setImmediate(() => reject(new Error(`Redis did not answer within ${ms} ms.`)))
    const timer = setTimeout(late, ms)
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
