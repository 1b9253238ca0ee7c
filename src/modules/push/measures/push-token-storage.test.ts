import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import { type PushApi, push } from '../index.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([proof, push])
  await platform.serve()
})
after(() => platform?.stop())

it('push.token.storage goes red when tokens are kept elsewhere too', () => {
  const { devices } = platform.api('push') as PushApi
  const whole = devices.keep
  const { redis } = platform.stores
  return proveBySabotage(platform.api('proof') as ProofApi, 'push.token.storage', {
    sabotage: async () => {
      devices.keep = async (tenant, given) => {
        await redis.sadd('tokens seen', given.token)
        return whole(tenant, given)
      }
    },
    repair: async () => {
      devices.keep = whole
      await redis.del('tokens seen')
    },
    seen: /in clear in Redis/,
  })
})
