import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import { cache } from '../index.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([proof, cache])
})
after(() => platform?.stop())

for (const { name, setting, broken, whole, seen } of [
  { name: 'the log is switched off', setting: 'appendonly', broken: 'no', whole: 'yes', seen: /keeps a log/ },
  {
    name: 'the log is no longer flushed',
    setting: 'appendfsync',
    broken: 'no',
    whole: 'everysec',
    seen: /flushes it/,
  },
]) {
  it(`cache.aof goes red when ${name}`, () =>
    proveBySabotage(platform.api('proof') as ProofApi, 'cache.aof', {
      sabotage: () => platform.stores.redis.config('SET', setting, broken),
      repair: () => platform.stores.redis.config('SET', setting, whole),
      seen,
    }))
}
