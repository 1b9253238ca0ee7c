import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { sql } from 'drizzle-orm'
import type { VaultApi } from '../../src/index.ts'
import { api } from '../../src/modules/api/index.ts'
import { edge } from '../../src/modules/edge/index.ts'
import { organiserOf } from '../../test/support/organiser.ts'
import { type TestPlatform, testPlatform } from '../../test/support/platform.ts'
import { festival } from './index.ts'
import { accessTokenOf } from './social.ts'

let platform: TestPlatform
let vault: VaultApi
before(async () => {
  platform = await testPlatform([edge, api, festival])
  vault = platform.api('vault') as VaultApi
  await platform.serve()
})
after(() => platform?.stop())

for (const model of ['rows', 'database'] as const) {
  it(`${model}: an account's token is kept sealed, renewed, and used by who posts`, async () => {
    const tenant = await platform.makeTenant(model)
    const asking = await organiserOf(platform, tenant)
    const ask = (method: 'GET' | 'POST', body?: object) =>
      asking(method, '/api/v1/social-accounts', body && { body })
    const account = { platform: 'mastodon', handle: '@elbklang@example.social' }
    const connected = await ask('POST', { ...account, accessToken: 'first token' })
    assert.equal(connected.status, 201, connected.body)
    const { id } = JSON.parse(connected.body)
    assert.equal(await accessTokenOf(vault, tenant, id), 'first token')
    await ask('POST', { ...account, accessToken: 'second token' })
    assert.equal(await accessTokenOf(vault, tenant, id), 'second token')
    assert.deepEqual(JSON.parse((await ask('GET')).body), [{ id, ...account }])
    const { rows } = await tenant.transaction((db) =>
      db.execute<{ text: string }>(sql`SELECT a::text AS text FROM social_account a`),
    )
    assert.match(rows[0]?.text ?? '', /@elbklang.*v\d+:/)
    assert.doesNotMatch(rows[0]?.text ?? '', /token/)
  })
}
