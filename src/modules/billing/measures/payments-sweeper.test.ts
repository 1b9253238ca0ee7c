import { after, before, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Queue } from 'bullmq'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import type { JobsApi } from '../../jobs/index.ts'
import { billing } from '../index.ts'
import { lastSweep } from '../sweep.ts'

let platform: TestPlatform
let jobs: JobsApi
const asSuperuser = (sql: string) => platform.asSuperuser('surety_control', (client) => client.query(sql))
const swept = async () => {
  const { control } = platform.stores
  for (const before = await lastSweep(control); ; await sleep(20))
    if ((await lastSweep(control))?.getTime() !== before?.getTime()) return
}
before(async () => {
  const layer = {
    billing: { key: 'test_AKeyThatOpensNothingAtAll', sweepEvery: '200ms' },
    egress: { register: [] },
  }
  platform = await testPlatform([proof, billing], layer)
  jobs = platform.api('jobs') as JobsApi
  await jobs.work()
  await swept()
})
after(() => platform?.stop())

it('payments.sweeper goes red when nobody searches', () =>
  proveBySabotage(platform.api('proof') as ProofApi, 'payments.sweeper', {
    async sabotage() {
      await jobs.drain(0)
      await platform.stores.control.query(`UPDATE billing.pulse SET at = at - interval '1 minute'`)
    },
    async repair() {
      await jobs.work()
      await swept()
    },
    seen: /running search/,
  }))

it('payments.sweeper goes red when a notification is queued more than once', () => {
  const { add } = Queue.prototype
  return proveBySabotage(platform.api('proof') as ProofApi, 'payments.sweeper', {
    async sabotage() {
      Queue.prototype.add = function (name, data, options) {
        const { jobId: _dropped, ...others } = options ?? {}
        return add.call(this, name, data, others)
      }
    },
    async repair() {
      Queue.prototype.add = add
    },
    seen: /two searches at once/,
  })
})

it('payments.sweeper goes red when the search finds nothing', () =>
  proveBySabotage(platform.api('proof') as ProofApi, 'payments.sweeper', {
    // Rows that may be read and added, and not be locked.
    sabotage: () =>
      asSuperuser(`CREATE POLICY seen ON billing.inbox FOR SELECT USING (true);
        CREATE POLICY added ON billing.inbox FOR INSERT WITH CHECK (true);
        ALTER TABLE billing.inbox ENABLE ROW LEVEL SECURITY`),
    repair: () =>
      asSuperuser(`ALTER TABLE billing.inbox DISABLE ROW LEVEL SECURITY;
        DROP POLICY seen ON billing.inbox; DROP POLICY added ON billing.inbox`),
    seen: /two searches at once/,
  }))
