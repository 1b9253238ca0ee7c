import { createHash } from 'node:crypto'
import type { Redis } from 'ioredis'

/** `amount` units in `window` milliseconds; all at once at most `amount`. */
export interface Budget {
  name: string
  amount: number
  window: number
}

/** `cost` units taken from the bucket `key` of a budget. */
export interface Demand {
  key: string
  budget: Budget
  cost: number
}

/** What one bucket said. */
export interface Verdict {
  budget: Budget
  /** Whole units left. */
  remaining: number
  /** Milliseconds until it is full again. */
  reset: number
  /** Milliseconds until the demand would fit; 0 when it did. */
  wait: number
}

// Generic cell rate algorithm (ITU-T I.371): a bucket is one number, the time at which it would be full again. Time is
// Redis's own, so that processes whose clocks differ agree. Nothing is taken unless every bucket admits.
const SCRIPT = `
local t = redis.call('TIME')
local now = t[1] * 1000 + t[2] / 1000
local refused = false
local after, answer = {}, {}
for i, key in ipairs(KEYS) do
  local amount, window, cost = tonumber(ARGV[3*i-2]), tonumber(ARGV[3*i-1]), tonumber(ARGV[3*i])
  local full = math.max(tonumber(redis.call('GET', key) or now), now)
  after[i] = full + cost * window / amount
  local wait = after[i] - window - now
  if wait > 0 then refused = true else wait = 0 end
  answer[i] = { full, wait }
end
for i, key in ipairs(KEYS) do
  local amount, window = tonumber(ARGV[3*i-2]), tonumber(ARGV[3*i-1])
  local full = answer[i][1]
  if not refused then
    full = after[i]
    redis.call('SET', key, string.format('%.3f', full), 'PX', math.max(1, math.ceil(full - now)))
  end
  local left = math.floor((window - (full - now)) * amount / window + 0.001)
  answer[i] = { math.max(0, left), math.ceil(full - now), math.ceil(answer[i][2]) }
end
return answer`

const SHA = createHash('sha1').update(SCRIPT).digest('hex')

/** Takes all demands or none, in one script. Rejects when Redis does not answer. */
export async function takeFromRedis(redis: Redis, demands: readonly Demand[]): Promise<Verdict[]> {
  const keys = demands.map(({ key }) => key)
  const numbers = demands.flatMap(({ budget, cost }) => [budget.amount, budget.window, cost])
  const answer = (await redis.evalsha(SHA, keys.length, ...keys, ...numbers).catch((error: Error) => {
    if (!error.message.startsWith('NOSCRIPT')) throw error
    return redis.eval(SCRIPT, keys.length, ...keys, ...numbers)
  })) as [number, number, number][]
  return demands.map(({ budget }, i) => {
    const [remaining, reset, wait] = answer[i] as [number, number, number]
    return { budget, remaining, reset, wait }
  })
}

/** Buckets that one process keeps; the oldest are forgotten. */
const MOST_BUCKETS = 10_000

/** The same rule in this process alone, for while Redis is away. */
export function openLocalBuckets(): (demands: readonly Demand[], now: number) => Verdict[] {
  const buckets = new Map<string, number>()
  return (demands, now) => {
    const tried = demands.map(({ key, budget, cost }) => {
      const full = Math.max(buckets.get(key) ?? now, now)
      const after = full + (cost * budget.window) / budget.amount
      return { key, budget, full, after, wait: Math.max(0, after - budget.window - now) }
    })
    const refused = tried.some(({ wait }) => wait > 0)
    return tried.map(({ key, budget, full, after, wait }) => {
      const then = refused ? full : after
      buckets.delete(key)
      if (then > now) buckets.set(key, then)
      if (buckets.size > MOST_BUCKETS) buckets.delete(buckets.keys().next().value as string)
      const remaining = Math.max(
        0,
        Math.floor(((budget.window - (then - now)) * budget.amount) / budget.window),
      )
      return { budget, remaining, reset: Math.ceil(then - now), wait: Math.ceil(wait) }
    })
  }
}
