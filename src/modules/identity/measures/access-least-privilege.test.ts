import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { rewriteRows } from '../../../../test/support/rewriteRows.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import { identity } from '../index.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([proof, identity])
  await platform.serve()
})
after(() => platform?.stop())

it('access.least-privilege goes red when everybody becomes an owner', () =>
  proveBySabotage(platform.api('proof') as ProofApi, 'access.least-privilege', {
    ...rewriteRows(platform, 'canary-database-a', 'identity.person', 'INSERT', `NEW.role := 'owner';`),
    seen: /reader: of .* not as the role says/,
  }))
