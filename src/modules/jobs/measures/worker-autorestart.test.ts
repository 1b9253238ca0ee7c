import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import { platformModules } from '../../../cli/platform.ts'
import type { ProofApi } from '../../../proof/api.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform(platformModules, { jobs: { takeOver: '3s' } })
})
after(() => platform?.stop())

it('worker.autorestart goes red when a worker does not come back', { timeout: 300_000 }, () => {
  const marker = join(mkdtempSync(join(tmpdir(), 'restart-')), 'started')
  const source = `import{existsSync,writeFileSync}from'node:fs';if(existsSync('${marker}'))process.exit(1);writeFileSync('${marker}','')`
  return proveBySabotage(platform.api('proof') as ProofApi, 'worker.autorestart', {
    sabotage: async () =>
      platform.program.args.unshift('--import', `data:text/javascript,${encodeURIComponent(source)}`),
    repair: async () => platform.program.args.splice(0, 2),
    seen: /the job is with the new worker/,
  })
})
