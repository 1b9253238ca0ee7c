import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { rewriteRows } from '../../../../test/support/rewriteRows.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import { databases } from '../../../data/roles.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import { identity } from '../index.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([proof, identity])
})
after(() => platform?.stop())

for (const { name, body, seen } of [
  {
    name: 'the cost is lower than the string says',
    body: `NEW.password := replace(NEW.password, 't=2', 't=1');`,
    seen: /rows: a new password is stored by this method/,
  },
  {
    name: 'everybody gets one salt',
    body: `NEW.password := '$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';`,
    seen: /rows: two people with one password/,
  },
]) {
  it(`auth.password.hash goes red when ${name}`, () =>
    proveBySabotage(platform.api('proof') as ProofApi, 'auth.password.hash', {
      ...rewriteRows(platform, databases.pool, 'identity.person', 'INSERT', body),
      seen,
    }))
}
