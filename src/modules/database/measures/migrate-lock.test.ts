import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { probe } from '../../../../test/support/probe.ts'
import type { AsMigrator } from '../../../data/migrator.ts'
import type { SqlClient } from '../../../data/sql.ts'
import { systemClock } from '../../../kernel/clock.ts'
import { createLog } from '../../../kernel/log.ts'
import { runProbe } from '../../../proof/runProbe.ts'
import { migrateLock } from './migrate-lock.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform()
})
after(() => platform?.stop())

it('migrate.lock is green when migrators wait for each other', async () => {
  assert.deepEqual((await probe(migrateLock(platform.stores.asMigrator))).failed, [])
})

it('migrate.lock goes red when the lock does not exclude', async () => {
  // A server whose lock is shared: every migrator gets it at once.
  const asMigrator: AsMigrator = (reason, work, database) =>
    platform.stores.asMigrator(
      reason,
      (client) => {
        const query = client.query.bind(client) as (...args: unknown[]) => unknown
        const shared = (text: unknown) =>
          typeof text === 'string'
            ? text.replace(/pg_(try_)?advisory_(un)?lock\(/, 'pg_$1advisory_$2lock_shared(')
            : text
        return work(
          Object.assign(client, {
            query: (text: unknown, ...rest: unknown[]) => query(shared(text), ...rest),
          }) as SqlClient as never,
        )
      },
      database,
    )
  const context = { clock: systemClock, log: createLog({ name: 'test', level: 'silent' }), build: 'test' }
  const { outcome, reason } = await runProbe(migrateLock(asMigrator), context)
  assert.deepEqual([outcome, reason], ['failed', 'a migrator while another holds the lock'])
})
