import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import { databases } from '../../../data/roles.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { lifecycle } from '../index.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([lifecycle])
  await platform.serve()
})
after(() => platform?.stop())

const inPool = (statement: string) =>
  platform.asSuperuser(databases.pool, (client) => client.query(statement))

for (const { name, sabotage, repair, seen } of [
  {
    name: 'a table is not found by the export',
    sabotage: 'ALTER POLICY tenant ON tenancy.canary RENAME TO hidden',
    repair: 'ALTER POLICY hidden ON tenancy.canary RENAME TO tenant',
    seen: /rows, suspended: tables that are missing/,
  },
  {
    name: 'it has rows of other tenants',
    sabotage: 'ALTER TABLE tenancy.canary DISABLE ROW LEVEL SECURITY',
    repair: 'ALTER TABLE tenancy.canary ENABLE ROW LEVEL SECURITY',
    seen: /rows, active: content of other tenants/,
  },
]) {
  it(`export.self-serve goes red when ${name}`, () =>
    proveBySabotage(platform.api('proof') as ProofApi, 'export.self-serve', {
      sabotage: () => inPool(sabotage),
      repair: () => inPool(repair),
      seen,
    }))
}
