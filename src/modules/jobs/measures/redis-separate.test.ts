import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import { QUEUE_CONNECTION } from '../connections.ts'
import { jobs } from '../index.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([proof, jobs])
})
after(() => platform?.stop())

it('redis.separate goes red when the application takes the connection of the queue', () => {
  const { redis } = platform.stores
  const shared = redis.duplicate({ connectionName: QUEUE_CONNECTION })
  return proveBySabotage(platform.api('proof') as ProofApi, 'redis.separate', {
    sabotage: async () => Object.assign(platform.stores, { redis: shared }),
    repair: async () => {
      Object.assign(platform.stores, { redis })
      shared.disconnect()
    },
    seen: /two connections/,
  })
})

it("redis.separate goes red when the application writes among the queue's keys", () =>
  proveBySabotage(platform.api('proof') as ProofApi, 'redis.separate', {
    sabotage: () => platform.stores.redis.set('surety-jobs:cached', 'page'),
    repair: () => platform.stores.redis.del('surety-jobs:cached'),
    seen: /not of a queue/,
  }))

it('redis.separate goes red when Redis may drop jobs to make room', () =>
  proveBySabotage(platform.api('proof') as ProofApi, 'redis.separate', {
    sabotage: () => platform.stores.redis.config('SET', 'maxmemory-policy', 'allkeys-lru'),
    repair: () => platform.stores.redis.config('SET', 'maxmemory-policy', 'noeviction'),
    seen: /memory is full/,
  }))
