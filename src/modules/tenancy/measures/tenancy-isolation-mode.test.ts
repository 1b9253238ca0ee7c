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
    name: 'row-level security is no longer forced on the owner',
    sabotage: 'ALTER TABLE tenancy.canary NO FORCE ROW LEVEL SECURITY',
    repair: 'ALTER TABLE tenancy.canary FORCE ROW LEVEL SECURITY',
    seen: /no policy protects/,
  },
  {
    name: 'a second, wider policy appears',
    sabotage: 'CREATE POLICY wide ON tenancy.canary USING (true)',
    repair: 'DROP POLICY wide ON tenancy.canary',
    seen: /no policy protects/,
  },
  {
    name: "a view reads with its owner's rights",
    sabotage:
      'CREATE VIEW tenancy.peek AS SELECT * FROM tenancy.canary; GRANT SELECT ON tenancy.peek TO surety_tenant',
    repair: 'DROP VIEW tenancy.peek',
    seen: /no policy protects/,
  },
]) {
  it(`tenancy.isolation.mode goes red when ${name}`, () =>
    proveBySabotage(platform.api('proof') as ProofApi, 'tenancy.isolation.mode', {
      sabotage: () => inPool(sabotage),
      repair: () => inPool(repair),
      seen,
    }))
}
