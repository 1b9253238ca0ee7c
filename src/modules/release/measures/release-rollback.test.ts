import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import { platformModules } from '../../../cli/platform.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { activeRelease, type ReleaseApi } from '../index.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform(platformModules, { release: { reloadWithin: '2m' } })
})
after(() => platform?.stop())

it('release.rollback goes red when the way back leads to what is there', { timeout: 300_000 }, () => {
  const { parts } = platform.api('release') as ReleaseApi
  const { releaseBefore } = parts
  return proveBySabotage(platform.api('proof') as ProofApi, 'release.rollback', {
    sabotage: async () => (parts.releaseBefore = activeRelease),
    repair: async () => (parts.releaseBefore = releaseBefore),
    seen: /after the rollback/,
  })
})
