import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import { platformModules } from '../../../cli/platform.ts'
import type { ProofApi } from '../../../proof/api.ts'

const runbookFileName = join(tmpdir(), 'BACKUP.md')
const OURS = join(import.meta.dirname, '../../../../docs/BACKUP.md')

let platform: TestPlatform
before(async () => {
  await copyFile(OURS, runbookFileName)
  platform = await testPlatform(platformModules, { backup: { runbookFileName } })
  await platform.tenancy.canaries.open()
})
after(() => platform?.stop())

it('restore.runbook goes red when the document names a command that the program does not have', async () => {
  const whole = await readFile(runbookFileName, 'utf8')
  await proveBySabotage(platform.api('proof') as ProofApi, 'restore.runbook', {
    sabotage: () => writeFile(runbookFileName, whole.replace('backup now "$TENANT"', 'backup new "$TENANT"')),
    repair: () => writeFile(runbookFileName, whole),
    seen: /the commands under "back-up"/,
  })
})
