import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import { rolesOf } from '../../identity/permissions.ts'
import { type PushApi, push } from '../index.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([proof, push])
  await platform.serve()
})
after(() => platform?.stop())

it('push.credentials.visibility goes red when another role may see them', () => {
  const grants = rolesOf('members').editor as string[]
  return proveBySabotage(platform.api('proof') as ProofApi, 'push.credentials.visibility', {
    sabotage: async () => grants.push('push.manage'),
    repair: async () => grants.pop(),
    seen: /asked by a editor/,
  })
})

it('push.credentials.visibility goes red when the list shows keys', () => {
  const { credentials } = platform.api('push') as PushApi
  const whole = credentials.list
  return proveBySabotage(platform.api('proof') as ProofApi, 'push.credentials.visibility', {
    sabotage: async () => {
      credentials.list = async (tenant) => {
        const privateKey = await credentials.reveal(tenant, 'apns')
        return (await whole(tenant)).map((one) => ({ ...one, about: { ...one.about, privateKey } }))
      }
    },
    repair: async () => {
      credentials.list = whole
    },
    seen: /shows the key itself/,
  })
})
