import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Redis } from 'ioredis'
import { testRedis } from '../../../test/support/servers.ts'
import { newId } from '../../kernel/ids.ts'
import { createLog } from '../../kernel/log.ts'
import type { Budget, Demand } from './gcra.ts'
import { openLimiter } from './limiter.ts'

const log = createLog({ name: 'test', level: 'silent' })
const options = { within: 500, awayShare: 0.5, clock: { now: () => new Date(0) }, log }
const budget = (name: string, amount: number): Budget => ({ name, amount, window: 600_000 })
const demand = (of: Budget, key: string, cost = 1): Demand => ({ key: `limit:test:${key}`, budget: of, cost })

describe('the limiter', () => {
  let redis: Redis
  before(() => {
    redis = new Redis(testRedis())
  })
  after(() => redis.disconnect())

  it('admits exactly 100 of 500 at once', async () => {
    const limiter = openLimiter(redis, options)
    const one = demand(budget('a', 100), newId())
    const verdicts = await Promise.all(Array.from({ length: 500 }, () => limiter.admit([one], false)))
    assert.equal(verdicts.filter(([verdict]) => verdict?.wait === 0).length, 100)
  })

  it('takes nothing from one bucket when another refuses', async () => {
    const limiter = openLimiter(redis, options)
    const [wide, narrow] = [demand(budget('wide', 10), newId()), demand(budget('narrow', 1), newId())]
    await limiter.admit([wide, narrow], false)
    const refused = await limiter.admit([wide, narrow], false)
    assert.deepEqual(
      refused.map(({ remaining, wait }) => [remaining, wait > 0]),
      [
        [9, false],
        [0, true],
      ],
    )
  })

  it('takes the cost, says when to return, and forgets when asked', async () => {
    const limiter = openLimiter(redis, options)
    const dear = demand(budget('dear', 10), newId(), 8)
    assert.equal((await limiter.admit([dear], false))[0]?.remaining, 2)
    const [refused] = await limiter.admit([dear], false)
    assert.ok(refused && refused.wait > 300_000 && refused.wait <= 360_000, String(refused?.wait))
    await limiter.forget(dear.key)
    assert.equal((await limiter.admit([dear], false))[0]?.wait, 0)
  })

  it('without Redis admits reading uncounted and attempts up to a share of their budget', async () => {
    const nowhere = new Redis({
      path: '/nowhere/redis.sock',
      lazyConnect: true,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
    })
    nowhere.on('error', () => undefined)
    const limiter = openLimiter(nowhere, options)
    const read = demand(budget('read', 1), newId())
    for (let n = 0; n < 5; n += 1) assert.deepEqual(await limiter.admit([read], false), [])
    const attempt = demand(budget('attempts', 10), newId())
    const waits = []
    for (let n = 0; n < 6; n += 1) waits.push((await limiter.admit([attempt], true))[0]?.wait)
    assert.deepEqual(
      waits.map((wait) => wait === 0),
      [true, true, true, true, true, false],
    )
    nowhere.disconnect()
  })

  it('a Redis that hangs costs one bounded wait, then none', async () => {
    const hanging = { evalsha: () => new Promise(() => undefined) } as unknown as Redis
    const limiter = openLimiter(hanging, { ...options, within: 50 })
    const read = demand(budget('read', 1), newId())
    assert.deepEqual(await limiter.admit([read], false), [])
    let asked = 0
    hanging.evalsha = (() => {
      asked += 1
      return new Promise(() => undefined)
    }) as typeof hanging.evalsha
    assert.deepEqual([await limiter.admit([read], false), asked], [[], 0])
  })
})
