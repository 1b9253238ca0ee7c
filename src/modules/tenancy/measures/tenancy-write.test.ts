import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import { databases } from '../../../data/roles.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([proof])
})
after(() => platform?.stop())

const inPool = (statement: string) =>
  platform.asSuperuser(databases.pool, (client) => client.query(statement))

for (const { name, sabotage, repair, seen } of [
  {
    name: 'row-level security is switched off',
    sabotage: 'ALTER TABLE tenancy.canary DISABLE ROW LEVEL SECURITY',
    repair: 'ALTER TABLE tenancy.canary ENABLE ROW LEVEL SECURITY',
    seen: /rows: DELETE of the other tenant/,
  },
  {
    name: 'the app role may bypass row-level security',
    sabotage: 'ALTER ROLE surety_app BYPASSRLS',
    repair: 'ALTER ROLE surety_app NOBYPASSRLS',
    seen: /rows: DELETE of the other tenant/,
  },
]) {
  it(`tenancy.write goes red when ${name}`, () =>
    proveBySabotage(platform.api('proof') as ProofApi, 'tenancy.write', {
      sabotage: () => inPool(sabotage),
      repair: () => inPool(repair),
      seen,
    }))
}
