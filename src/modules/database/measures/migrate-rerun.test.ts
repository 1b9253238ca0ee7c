import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { probe } from '../../../../test/support/probe.ts'
import type { AsMigrator } from '../../../data/migrator.ts'
import { migrateRerun } from './migrate-rerun.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform()
})
after(() => platform?.stop())

it('migrate.rerun is green when a migration and its record are one transaction', async () => {
  assert.deepEqual((await probe(migrateRerun(platform.stores.asMigrator))).failed, [])
})

it('migrate.rerun goes red when a migration is applied outside a transaction', async () => {
  const asMigrator: AsMigrator = (reason, work, database) =>
    platform.stores.asMigrator(
      reason,
      (client) => {
        const query = client.query.bind(client) as (...args: unknown[]) => unknown
        const loose = (text: unknown) =>
          typeof text === 'string' && /^(BEGIN|COMMIT|ROLLBACK)$/.test(text) ? 'SELECT 1' : text
        return work(
          Object.assign(client, {
            query: (text: unknown, ...rest: unknown[]) => query(loose(text), ...rest),
          }) as never,
        )
      },
      database,
    )
  const { failed } = await probe(migrateRerun(asMigrator)).catch((error: Error) => ({
    failed: [error.message],
  }))
  assert.match(failed.join(), /already exists|schema differs after/)
})
