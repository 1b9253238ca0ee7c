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
  const { sessions } = platform.api('identity') as IdentityApi
  const { whose } = sessions
  return proveBySabotage(platform.api('proof') as ProofApi, 'auth.jwt.password', {
    async sabotage() {
      const claims = (token: string) => decodeJwt(token) as unknown as AccessClaims
      sessions.whose = async (_realm, token) =>
        ({
          claims: claims(token),
          person: { id: claims(token).sub, role: 'owner' },
          factors: ['pwd'],
        }) as never
    },
    async repair() {
      sessions.whose = whose
    },
    seen: /attempts on each of .* not refused/,
  })
})
