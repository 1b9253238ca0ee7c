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

it('shutdown.graceful goes red when a process ends at once', () =>
  proveBySabotage(platform.api('proof') as ProofApi, 'shutdown.graceful', {
    sabotage: async () =>
      platform.program.args.unshift('--import', `data:text/javascript,process.on('SIGTERM',process.exit)`),
    repair: async () => platform.program.args.splice(0, 2),
    seen: /request under way at SIGTERM/,
  }))
