import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import { platformModules } from '../../../cli/platform.ts'
import type { ProofApi } from '../../../proof/api.ts'
import type { BackupApi } from '../api.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform(platformModules)
  await platform.serve()
  await (platform.api('backup') as BackupApi).backUp('canary-database-a')
})
after(() => platform?.stop())

it('restore.drill.surface goes red when what boots on the restored data is another program', () =>
  proveBySabotage(platform.api('proof') as ProofApi, 'restore.drill.surface', {
    // The copy lacks routes that the live service has.
    sabotage: async () => {
      const other = `const stringify = JSON.stringify
        JSON.stringify = (value, ...rest) => stringify(value?.openapi ? { ...value, paths: {} } : value, ...rest)`
      platform.program.args.unshift('--import', `data:text/javascript,${encodeURIComponent(other)}`)
    },
    repair: async () => platform.program.args.splice(0, 2),
    seen: /OpenAPI document of the restored tenant/,
  }))
