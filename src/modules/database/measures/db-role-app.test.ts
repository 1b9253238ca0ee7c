import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import { databases } from '../../../data/roles.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import { database } from '../index.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([proof, database])
})
after(() => platform?.stop())

const inPool = (statement: string) =>
  platform.asSuperuser(databases.pool, (client) => client.query(statement))

for (const { name, sabotage, repair, seen } of [
  {
    name: 'the app role may bypass row-level security',
    sabotage: 'ALTER ROLE surety_app BYPASSRLS',
    repair: 'ALTER ROLE surety_app NOBYPASSRLS',
    seen: /special rights of the app role/,
  },
  {
    name: 'the app role becomes a member of the migrator',
    sabotage: 'GRANT surety_migrator TO surety_app',
    repair: 'REVOKE surety_migrator FROM surety_app',
    seen: /by membership/,
  },
  {
    name: 'the app role owns a table',
    sabotage: 'CREATE TABLE owned (); ALTER TABLE owned OWNER TO surety_app',
    repair: 'DROP TABLE owned',
    seen: /owns in the pooled store/,
  },
]) {
  it(`db.role.app goes red when ${name}`, () =>
    proveBySabotage(platform.api('proof') as ProofApi, 'db.role.app', {
      sabotage: () => inPool(sabotage),
      repair: () => inPool(repair),
      seen,
    }))
}
