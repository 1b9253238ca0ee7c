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

it('auth.local goes red when an unknown address is answered without hashing', () => {
  const { passwords } = platform.api('identity') as IdentityApi
  const { verify } = passwords
  return proveBySabotage(platform.api('proof') as ProofApi, 'auth.local', {
    async sabotage() {
      passwords.verify = async (password, stored) => (stored === null ? false : verify(password, stored))
    },
    async repair() {
      passwords.verify = verify
    },
    seen: /fastest of 7 answers/,
  })
})
