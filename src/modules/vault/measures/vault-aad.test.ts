import { after, before, it } from 'node:test'
import { breakCipher } from '../../../../test/support/breakCipher.ts'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import { vault } from '../index.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([proof, vault])
})
after(() => platform?.stop())

it('vault.aad goes red when texts are bound to nothing', () =>
  proveBySabotage(platform.api('proof') as ProofApi, 'vault.aad', {
    ...breakCipher('setAAD'),
    seen: /copied to another account/,
  }))
