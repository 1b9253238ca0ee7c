import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { rewriteRows } from '../../../../test/support/rewriteRows.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import { databases } from '../../../data/roles.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import { signing } from '../index.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([proof, signing])
})
after(() => platform?.stop())

it('build.signing.fetch goes red when a token is good twice', () =>
  proveBySabotage(platform.api('proof') as ProofApi, 'build.signing.fetch', {
    ...rewriteRows(platform, databases.pool, 'signing.token', 'UPDATE', 'NEW.used_at := NULL;'),
    seen: /rows: the same token a second time/,
  }))

it('build.signing.fetch goes red when a token lives longer than it may', () =>
  proveBySabotage(platform.api('proof') as ProofApi, 'build.signing.fetch', {
    ...rewriteRows(
      platform,
      'canary-database-a',
      'signing.token',
      'INSERT',
      `NEW.expires_at := NEW.expires_at + '1 day'::interval;`,
    ),
    seen: /database: a token after 15 minutes/,
  }))
