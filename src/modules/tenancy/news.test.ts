import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { until } from '../../../test/support/holder.ts'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { createLog } from '../../kernel/log.ts'
import { followNews } from './news.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform()
})
after(() => platform?.stop())

it('another process hears of a change, and forgets what it read when it may have missed one', async () => {
  let heard = 0
  const log = createLog({ name: 'test', level: 'silent' })
  const other = followNews(platform.stores.redis, () => (heard += 1), log)
  await until(() => heard > 0) // connected: whatever was told before was missed
  try {
    const { slug } = await platform.makeTenant('rows')
    for (const state of ['suspended', 'active'] as const) {
      const before = heard
      await platform.tenancy.setState(slug, state)
      await until(() => heard > before)
    }
    const before = heard
    await platform.stores.redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
    await until(() => heard > before)
  } finally {
    other.close()
  }
  assert.ok(heard >= 4)
})
