import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { rewriteRows } from '../../../../test/support/rewriteRows.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import { databases } from '../../../data/roles.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import { vault } from '../index.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([proof, vault])
})
after(() => platform?.stop())

it('vault.keys.versioned goes red when a new key is not used', () =>
  proveBySabotage(platform.api('proof') as ProofApi, 'vault.keys.versioned', {
    ...rewriteRows(
      platform,
      databases.keys,
      'vault.master_key',
      'INSERT',
      'IF NEW.version = 2 THEN RETURN NULL; END IF;',
    ),
    seen: /after a second key was added/,
  }))
