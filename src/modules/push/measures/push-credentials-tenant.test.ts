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

it('push.credentials.tenant goes red when one tenant sends with credentials of another', () => {
  const { credentials } = platform.api('push') as PushApi
  const whole = credentials.open
  return proveBySabotage(platform.api('proof') as ProofApi, 'push.credentials.tenant', {
    sabotage: async () => {
      credentials.open = async (tenant, service) =>
        whole(tenant, service).catch(async () =>
          whole(await platform.tenancy.bySlug(tenant.slug.replace(/a$/, 'b')), service),
        )
    },
    repair: async () => {
      credentials.open = whole
    },
    seen: /without its credentials/,
  })
})
