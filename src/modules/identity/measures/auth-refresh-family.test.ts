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

it('auth.refresh.family goes red when a token is not replaced when used', () =>
  proveBySabotage(platform.api('proof') as ProofApi, 'auth.refresh.family', {
    ...rewriteRows(
      platform,
      databases.pool,
      'identity.session',
      'UPDATE',
      `NEW.generation := OLD.generation;`,
    ),
    seen: /rows: a refresh gives another token|rows: the old token 1 s after the window/,
  }))
