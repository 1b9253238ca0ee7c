import { after, before, it } from 'node:test'
import { type JobsOptions, Queue } from 'bullmq'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import { jobs } from '../index.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([proof, jobs], { jobs: { attempts: 4, firstDelay: '200ms' } })
})
after(() => platform?.stop())

const { add } = Queue.prototype
for (const { name, broken, seen } of [
  {
    name: 'pauses do not grow',
    broken: { backoff: { type: 'fixed', delay: 200 } },
    seen: /pause before attempt 3/,
  },
  {
    name: 'jobs are tried for ever',
    broken: { attempts: 6, backoff: { type: 'fixed', delay: 10 } },
    seen: /attempts at a job that always fails/,
  },
] satisfies { name: string; broken: JobsOptions; seen: RegExp }[]) {
  it(`job.retry goes red when ${name}`, () =>
    proveBySabotage(platform.api('proof') as ProofApi, 'job.retry', {
      sabotage: async () => {
        Queue.prototype.add = function (kind, data, options) {
          const changed = options?.attempts === 1 ? options : { ...options, ...broken }
          return add.call(this, kind, data, changed)
        }
      },
      repair: async () => {
        Queue.prototype.add = add
      },
      seen,
    }))
}
