import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import { platformModules } from '../../../cli/platform.ts'
import { databases } from '../../../data/roles.ts'
import type { ProofApi } from '../../../proof/api.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform(platformModules)
  await platform.serve()
})
after(() => platform?.stop())

const inControl = (statement: string) =>
  platform.asSuperuser(databases.control, (client) => client.query(statement))

for (const { name, sabotage, repair, seen } of [
  {
    name: 'a drill took longer than promised',
    sabotage: `UPDATE backup.drill SET report = jsonb_set(report, '{before}', report->'rtoMs') || '{"rtoMs": 14400001}'`,
    repair: `UPDATE backup.drill SET report = jsonb_set(report, '{rtoMs}', report->'before')`,
    seen: /within the promise/,
  },
  {
    name: 'a drill failed',
    sabotage: `UPDATE backup.drill SET report = report || '{"passed": false}'`,
    repair: `UPDATE backup.drill SET report = report || '{"passed": true}'`,
    seen: /that failed/,
  },
])
  it(`dr.rto goes red when ${name}`, () =>
    proveBySabotage(platform.api('proof') as ProofApi, 'dr.rto', {
      sabotage: () => inControl(sabotage),
      repair: () => inControl(repair),
      seen,
    }))
