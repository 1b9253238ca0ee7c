import { after, before, it } from 'node:test'
import { sql } from 'drizzle-orm'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { rewriteRows } from '../../../../test/support/rewriteRows.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import { databases } from '../../../data/roles.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import { type IdentityApi, identity } from '../index.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([proof, identity])
  await platform.serve()
})
after(() => platform?.stop())

it('auth.apitoken.hash goes red when a revocation is lost', () =>
  proveBySabotage(platform.api('proof') as ProofApi, 'auth.apitoken.hash', {
    ...rewriteRows(platform, databases.pool, 'identity.api_token', 'UPDATE', `NEW.revoked_at := NULL;`),
    seen: /rows: the revoked token/,
  }))

it('auth.apitoken.hash goes red when the tokens of a program outlive its role', () => {
  const { serviceAccounts } = platform.api('identity') as IdentityApi
  const { change } = serviceAccounts
  return proveBySabotage(platform.api('proof') as ProofApi, 'auth.apitoken.hash', {
    async sabotage() {
      serviceAccounts.change = async (realm, id, { role, state }) =>
        void (await realm.transaction((run) =>
          run(sql`UPDATE identity.person SET role = coalesce(${role ?? null}, role), state = coalesce(${state ?? null}, state)
            WHERE id = ${id}`),
        ))
    },
    async repair() {
      serviceAccounts.change = change
    },
    seen: /rows: it, after the program got another role/,
  })
})
