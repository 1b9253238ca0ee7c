import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import { edge } from '../../edge/index.ts'
import type { BrowserParts } from '../guard.ts'
import { browser } from '../index.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([proof, edge, browser])
  await platform.serve()
})
after(() => platform?.stop())

it('csp.nonce goes red when the nonce is always the same', () => {
  const { nonces } = platform.api('browser') as BrowserParts
  const { make } = nonces
  return proveBySabotage(platform.api('proof') as ProofApi, 'csp.nonce', {
    sabotage: async () => Object.assign(nonces, { make: () => 'AAAAAAAAAAAAAAAAAAAAAA==' }),
    repair: async () => Object.assign(nonces, { make }),
    seen: /nonces of two answers/,
  })
})
