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

const proof = () => platform.api('proof') as ProofApi
const at = (database: string, statement: string) =>
  platform.asSuperuser(database, (client) => client.query(statement))

it('erasure.after-grace goes red when rows outlive their deletion', () =>
  proveBySabotage(proof(), 'erasure.after-grace', {
    sabotage: () => at(databases.pool, 'CREATE RULE keep AS ON DELETE TO tenancy.canary DO INSTEAD NOTHING'),
    repair: () => at(databases.pool, 'DROP RULE keep ON tenancy.canary'),
    seen: /rows: what is left/,
  }))

it('erasure.after-grace goes red when the keys are not destroyed', () =>
  proveBySabotage(proof(), 'erasure.after-grace', {
    sabotage: () =>
      at(
        databases.keys,
        `CREATE RULE keep AS ON DELETE TO vault.data_key DO INSTEAD NOTHING;
         CREATE RULE keep AS ON INSERT TO vault.destroyed DO INSTEAD NOTHING`,
      ),
    repair: () => at(databases.keys, 'DROP RULE keep ON vault.data_key; DROP RULE keep ON vault.destroyed'),
    seen: /the key of its backups/,
  }))
