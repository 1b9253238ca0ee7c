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

for (const { name, only, seen } of [
  { name: 'a process ends at once', only: 'serve', seen: /request under way at SIGTERM/ },
  { name: 'a worker ends at once', only: 'work', seen: /times that this job was completed/ },
])
  it(`shutdown.graceful goes red when ${name}`, { timeout: 300_000 }, () =>
    proveBySabotage(platform.api('proof') as ProofApi, 'shutdown.graceful', {
      sabotage: async () =>
        platform.program.args.unshift(
          '--import',
          `data:text/javascript,if(process.argv.includes('${only}'))process.on('SIGTERM',process.exit)`,
        ),
      repair: async () => platform.program.args.splice(0, 2),
      seen,
    }),
  )
