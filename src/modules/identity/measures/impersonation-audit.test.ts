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

it('impersonation.audit goes red when the record leaves out who acted', () =>
  proveBySabotage(platform.api('proof') as ProofApi, 'impersonation.audit', {
    ...rewriteRows(
      platform,
      databases.pool,
      'identity.event',
      'INSERT',
      `NEW.details := NEW.details - 'operator';`,
    ),
    seen: /rows: acts that name both/,
  }))
