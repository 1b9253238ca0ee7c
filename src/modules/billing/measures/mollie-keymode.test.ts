import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import { platformModules } from '../../../cli/platform.ts'
import type { ProofApi } from '../../../proof/api.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform(platformModules)
})
after(() => platform?.stop())

it('mollie.keymode goes red when production takes whatever key', { timeout: 300_000 }, () => {
  // A start that does not hear of its environment.
  const source = `process.env.NODE_ENV=process.env.NODE_ENV==='production'&&process.env.SURETY_BILLING__KEY?.startsWith('test_')?'development':process.env.NODE_ENV`
  return proveBySabotage(platform.api('proof') as ProofApi, 'mollie.keymode', {
    sabotage: async () =>
      platform.program.args.unshift('--import', `data:text/javascript,${encodeURIComponent(source)}`),
    repair: async () => platform.program.args.splice(0, 2),
    seen: /a start in production with a test_ key/,
  })
})
