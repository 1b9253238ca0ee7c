import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import { type IdentityApi, identity } from '../index.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([proof, identity])
  await platform.serve()
})
after(() => platform?.stop())

it('access.customer.users goes red when disabling is only said and not done', () => {
  const { people } = platform.api('identity') as IdentityApi
  const { change } = people
  return proveBySabotage(platform.api('proof') as ProofApi, 'access.customer.users', {
    async sabotage() {
      people.change = async () => undefined
    },
    async repair() {
      people.change = change
    },
    seen: /rows: the next request of the session/,
  })
})
