import { readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import { platformModules } from '../../../cli/platform.ts'
import { databases } from '../../../data/roles.ts'
import type { ProofApi } from '../../../proof/api.ts'

const OURS = join(import.meta.dirname, '../../../../docs/DISASTER-RECOVERY.md')
const fileName = join(tmpdir(), 'DISASTER-RECOVERY.md')

let platform: TestPlatform
let whole: string
before(async () => {
  // What takes its commands word for word has its own test.
  whole = (await readFile(OURS, 'utf8')).replace('| restore.runbook |', '| backup.mode |')
  await writeFile(fileName, whole)
  const reviewedOn = new Date().toISOString().slice(0, 10)
  const plan = { owner: 'The managing director', contact: '+49 30 0000000', reviewedOn, fileName }
  platform = await testPlatform(platformModules, { backup: { plan } })
  await platform.tenancy.canaries.open()
  await platform.serve()
})
after(() => platform?.stop())

const inControl = (statement: string) =>
  platform.asSuperuser(databases.control, (client) => client.query(statement))
const rewrite = (from: string, to: string) => () => writeFile(fileName, whole.replace(from, to))
const repair = rewrite('', '')

for (const { name, sabotage, repair: mend, seen } of [
  {
    name: 'the plan no longer says whom to call',
    sabotage: rewrite('{{contact}}', 'see above'),
    repair,
    seen: /says of itself/,
  },
  {
    name: 'a step is one that no drill goes through',
    sabotage: rewrite('restore.drill: verify', 'restore.drill: pray'),
    repair,
    seen: /did not go through/,
  },
  {
    name: 'a step names a measure that is not there',
    sabotage: rewrite('backup.versioning.pitr', 'backup.telepathy'),
    repair,
    seen: /not green/,
  },
  {
    name: 'the last drill failed',
    sabotage: () => inControl(`UPDATE backup.drill SET report = report || '{"passed": false}'`),
    repair: () => inControl(`UPDATE backup.drill SET report = report || '{"passed": true}'`),
    seen: /passed/,
  },
])
  it(`dr.plan goes red when ${name}`, () =>
    proveBySabotage(platform.api('proof') as ProofApi, 'dr.plan', { sabotage, repair: mend, seen }))
