import { after, before, it } from 'node:test'
import { breakRandom } from '../../../../test/support/breakCipher.ts'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import { vault } from '../index.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([proof, vault])
})
after(() => platform?.stop())

it('vault.format goes red when the same IV comes twice', () =>
  proveBySabotage(platform.api('proof') as ProofApi, 'vault.format', {
    ...breakRandom(),
    seen: /different IVs/,
  }))

it('vault.format goes red when the database takes text in clear', () => {
  const inEach = (statement: string) =>
    Promise.all(
      ['surety_pool', 'canary-database-a'].map((database) =>
        platform.asSuperuser(database, (client) => client.query(statement)),
      ),
    )
  return proveBySabotage(platform.api('proof') as ProofApi, 'vault.format', {
    sabotage: () => inEach('ALTER DOMAIN vault.secret DROP CONSTRAINT secret_check'),
    repair: () =>
      inEach(
        `ALTER DOMAIN vault.secret ADD CHECK (
           VALUE ~ '^v([1-9]|1[0-6]):([A-Za-z0-9_-]{16}|[A-Za-z0-9_-]{32}):[A-Za-z0-9_-]{22}:[A-Za-z0-9_-]*$')`,
      ),
    seen: /text in clear written/,
  })
})
