import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import { systemClock } from '../../../kernel/clock.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import { openAccessTokens } from '../accessTokens.ts'
import { openImpersonations } from '../impersonations.ts'
import { type IdentityApi, identity } from '../index.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([proof, identity])
})
after(() => platform?.stop())

it('impersonation.ttl goes red when an impersonation lasts an hour', () => {
  const { impersonations, keys, operators } = platform.api('identity') as IdentityApi
  const { start } = impersonations
  const access = openAccessTokens(keys, 'surety', systemClock)
  return proveBySabotage(platform.api('proof') as ProofApi, 'impersonation.ttl', {
    async sabotage() {
      impersonations.start = openImpersonations({
        access,
        operators,
        clock: systemClock,
        life: 3_600_000,
      }).start
    },
    async repair() {
      impersonations.start = start
    },
    seen: /rows: the token after the end/,
  })
})
