import { after, before, it } from 'node:test'
import { decodeJwt } from 'jose'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import type { AccessClaims } from '../accessTokens.ts'
import { type IdentityApi, identity } from '../index.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([proof, identity])
  await platform.serve()
})
after(() => platform?.stop())

it('auth.jwt.password goes red when tokens are read but not verified', () => {
  const { access } = platform.api('identity') as IdentityApi
  const { verify } = access
  return proveBySabotage(platform.api('proof') as ProofApi, 'auth.jwt.password', {
    async sabotage() {
      access.verify = async (_realm, token) => decodeJwt(token) as unknown as AccessClaims
    },
    async repair() {
      access.verify = verify
    },
    seen: /attempts on each of .* not refused/,
  })
})
