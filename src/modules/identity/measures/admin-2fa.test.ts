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

it('admin.2fa goes red when every session counts as one with two factors', () =>
  proveBySabotage(platform.api('proof') as ProofApi, 'admin.2fa', {
    ...rewriteRows(
      platform,
      databases.control,
      'identity.session',
      'INSERT',
      `NEW.factors := ARRAY['pwd', 'otp'];`,
    ),
    seen: /a password alone on/,
  }))

it('admin.2fa goes red when a program passes for a person', () => {
  const { sessions } = platform.api('identity') as IdentityApi
  const { begin } = sessions
  return proveBySabotage(platform.api('proof') as ProofApi, 'admin.2fa', {
    async sabotage() {
      sessions.begin = async (realm, person, about) => {
        await realm.transaction((run) =>
          run(sql`UPDATE identity.person SET kind = 'person', email = id || '@canary.invalid'
            WHERE id = ${person.id} AND kind = 'service'`),
        )
        return begin(realm, person, about)
      }
    },
    async repair() {
      sessions.begin = begin
    },
    seen: /a session of a program/,
  })
})
