import { it } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { testLimits } from '../../../../test/support/limits.ts'

const { parts, platform, prove } = testLimits()

it('ratelimit.atomic goes red when checking and counting are two steps', () => {
  const { limiter } = parts()
  const { admit } = limiter
  const { redis } = platform().stores
  return prove(
    'ratelimit.atomic',
    () => {
      limiter.admit = async (demands) =>
        Promise.all(
          demands.map(async ({ key, budget }) => {
            const used = Number((await redis.get(key)) ?? 0)
            // As far apart as the two steps are on a network, so that it fails on every machine.
            await setTimeout(20)
            const wait = used >= budget.amount ? 1_000 : 0
            if (wait === 0) await redis.set(key, used + 1, 'PX', budget.window)
            return { budget, remaining: Math.max(0, budget.amount - used - 1), reset: 1_000, wait }
          }),
        )
    },
    () => {
      limiter.admit = admit
    },
    /let through/,
  )
})
