import { after, before, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import { databases } from '../../../data/roles.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import { api } from '../index.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([proof, api])
  await platform.serve()
})
after(() => platform?.stop())

/** The registry is read again after a second. */
async function inControl(statement: string): Promise<void> {
  await platform.asSuperuser(databases.control, (client) => client.query(statement))
  await sleep(1_100)
}

for (const { name, host, seen } of [
  {
    name: 'a foreign domain leads to a tenant',
    host: 'canary-rows-a.evil.invalid',
    seen: /rows: its label under a foreign domain/,
  },
  {
    name: 'an unknown name leads to a tenant',
    host: 'no-such-tenant.localhost',
    seen: /rows: an unknown label/,
  },
]) {
  it(`tenancy.routing goes red when ${name}`, () =>
    proveBySabotage(platform.api('proof') as ProofApi, 'tenancy.routing', {
      sabotage: () =>
        inControl(
          `INSERT INTO tenancy.host (host, tenant_id) SELECT '${host}', id FROM tenancy.tenant WHERE slug = 'canary-rows-b'`,
        ),
      repair: () => inControl(`DELETE FROM tenancy.host WHERE host = '${host}'`),
      seen,
    }))
}
