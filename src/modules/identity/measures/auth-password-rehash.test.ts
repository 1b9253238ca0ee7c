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

it('auth.password.rehash goes red when the new hash is not kept', () =>
  proveBySabotage(platform.api('proof') as ProofApi, 'auth.password.rehash', {
    ...rewriteRows(
      platform,
      databases.pool,
      'identity.person',
      'UPDATE',
      `IF NEW.password LIKE '$argon2id$%' THEN NEW.password := OLD.password; END IF;`,
    ),
    seen: /rows: the hash after the right password begins/,
  }))
