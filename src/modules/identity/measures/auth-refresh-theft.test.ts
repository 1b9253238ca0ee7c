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

it('auth.refresh.theft goes red when the ending of a family is lost', () =>
  proveBySabotage(platform.api('proof') as ProofApi, 'auth.refresh.theft', {
    ...rewriteRows(
      platform,
      databases.pool,
      'identity.session',
      'UPDATE',
      `IF NEW.ended_because = 'refresh-theft' THEN NEW.ended_at := NULL; NEW.ended_because := NULL; END IF;`,
    ),
    seen: /rows: the newest refresh token then/,
  }))
