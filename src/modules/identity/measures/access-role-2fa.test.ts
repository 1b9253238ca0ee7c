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
  await platform.serve()
})
after(() => platform?.stop())

it('access.role.2fa goes red when the switch does nothing', () =>
  proveBySabotage(platform.api('proof') as ProofApi, 'access.role.2fa', {
    ...rewriteRows(
      platform,
      databases.pool,
      'identity.role_rule',
      'INSERT OR UPDATE',
      `NEW.second_factor := false;`,
    ),
    seen: /rows: editor, switched on, password only/,
  }))
