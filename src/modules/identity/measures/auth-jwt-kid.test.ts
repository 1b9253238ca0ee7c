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

it('auth.jwt.kid goes red when the previous key is dropped when the next one signs', () =>
  proveBySabotage(platform.api('proof') as ProofApi, 'auth.jwt.kid', {
    ...rewriteRows(
      platform,
      databases.control,
      'identity.signing_key',
      'UPDATE',
      `NEW.dropped_from := NEW.dropped_from - interval '310 s';`,
    ),
    seen: /the old token while the previous key is kept/,
  }))
