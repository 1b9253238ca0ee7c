import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import { platformModules } from '../../../cli/platform.ts'
import type { ProofApi } from '../../../proof/api.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform(platformModules, { runtime: { shutdownTimeout: '2s' } })
})
after(() => platform?.stop())

it('shutdown.cap goes red when processes take longer than the page says', { timeout: 300_000 }, () =>
  proveBySabotage(platform.api('proof') as ProofApi, 'shutdown.cap', {
    sabotage: async () => {
      platform.program.env.SURETY_RUNTIME__SHUTDOWN_TIMEOUT = '1h'
      platform.program.env.SURETY_RELEASE__RELOAD_WITHIN = '2h'
    },
    repair: async () => {
      platform.program.env.SURETY_RUNTIME__SHUTDOWN_TIMEOUT = '2s'
    },
    seen: /gone at the cap/,
  }),
)
