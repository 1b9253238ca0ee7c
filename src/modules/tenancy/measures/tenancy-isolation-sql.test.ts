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
    name: 'every login may connect to another tenant',
    sabotage: 'GRANT CONNECT ON DATABASE "canary-database-b" TO PUBLIC',
    repair: 'REVOKE CONNECT ON DATABASE "canary-database-b" FROM PUBLIC',
    seen: /login on database canary-database-b/,
  },
  {
    name: 'a tenant may read files of the server',
    sabotage: 'GRANT pg_read_server_files, pg_write_server_files TO surety_tenant',
    repair: 'REVOKE pg_read_server_files, pg_write_server_files FROM surety_tenant',
    seen: /a COPY to a file of the server/,
  },
]) {
  it(`tenancy.isolation.sql goes red when ${name}`, () =>
    proveBySabotage(platform.api('proof') as ProofApi, 'tenancy.isolation.sql', {
      sabotage: () => inPool(sabotage),
      repair: () => inPool(repair),
      seen,
    }))
}
