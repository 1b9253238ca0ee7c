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
    seen: /fresh connection/,
  },
  {
    name: 'the policy lets everything through where there is no context',
    sabotage: `CREATE POLICY wide ON tenancy.canary USING (nullif(current_setting('app.tenant', true), '') IS NULL)`,
    repair: 'DROP POLICY wide ON tenancy.canary',
    seen: /after COMMIT/,
  },
]) {
  it(`tenancy.setlocal goes red when ${name}`, () =>
    proveBySabotage(platform.api('proof') as ProofApi, 'tenancy.setlocal', {
      sabotage: () => inPool(sabotage),
      repair: () => inPool(repair),
      seen,
    }))
}
