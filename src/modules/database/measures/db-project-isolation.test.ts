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
    name: 'a database admits every login',
    sabotage: 'GRANT CONNECT ON DATABASE surety_template TO PUBLIC',
    repair: 'REVOKE CONNECT ON DATABASE surety_template FROM PUBLIC',
    seen: /admit every login/,
  },
]) {
  it(`db.project.isolation goes red when ${name}`, () =>
    proveBySabotage(platform.api('proof') as ProofApi, 'db.project.isolation', {
      sabotage: () => inPool(sabotage),
      repair: () => inPool(repair),
      seen,
    }))
}
