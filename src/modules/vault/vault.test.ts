import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { inspect } from 'node:util'
import { eq } from 'drizzle-orm'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { newId } from '../../kernel/ids.ts'
import type { Tenant } from '../tenancy/index.ts'
import { canary } from './canary.ts'
import { type VaultApi, vault } from './index.ts'

let platform: TestPlatform
let api: VaultApi
before(async () => {
  platform = await testPlatform([vault])
  api = platform.api('vault') as VaultApi
})
after(() => platform?.stop())

async function keep(tenant: Tenant, token: string): Promise<string> {
  const socialAccountId = newId()
  const row = { socialAccountId, platform: 'mastodon', accessToken: token }
  const sealed = await api.seal(tenant, canary, row)
  await tenant.transaction((db) => db.insert(canary).values(sealed))
  return socialAccountId
}

const read = (tenant: Tenant, id: string) =>
  tenant.transaction(async (db) => {
    const [row] = await db.select().from(canary).where(eq(canary.socialAccountId, id))
    assert.ok(row)
    return row
  })

for (const model of ['database', 'rows'] as const) {
  describe(`secrets of a tenant in the model ${model}`, () => {
    it('come back as they were put in', async () => {
      const tenant = await platform.makeTenant(model)
      const token = `tökén ${newId()}`
      const row = await read(tenant, await keep(tenant, token))
      const opened = await api.open(tenant, canary, row)
      assert.equal(opened.accessToken, token)
      assert.equal(opened.refreshToken, null)
    })

    it('are shown to nobody who does not open them', async () => {
      const tenant = await platform.makeTenant(model)
      const row = await read(tenant, await keep(tenant, 'hidden'))
      assert.match(String(row.accessToken?.text), /^v\d+:[\w-]{16}:[\w-]{22}:[\w-]{8}$/)
      assert.equal(JSON.parse(JSON.stringify(row)).accessToken, '[sealed]')
      assert.match(inspect(row), /accessToken: \[sealed\]/)
    })

    it('are gone with the tenant’s keys, also for what was kept elsewhere', async () => {
      const tenant = await platform.makeTenant(model)
      const row = await read(tenant, await keep(tenant, 'gone'))
      const { keyId } = await api.backupKey(tenant)
      await api.destroy(tenant)
      for (const attempt of [
        api.open(tenant, canary, row),
        keep(tenant, 'again'),
        api.backupKey(tenant, keyId),
      ])
        await assert.rejects(attempt, { code: 'vault-destroyed' })
    })
  })
}

it('text in clear fits neither the column nor the database', async () => {
  const tenant = await platform.makeTenant('rows')
  const row = { socialAccountId: newId(), platform: 'mastodon' }
  await assert.rejects(
    tenant.transaction((db) =>
      // @ts-expect-error: a text is no sealed text
      db.insert(canary).values({ ...row, accessToken: 'clear' }),
    ),
    TypeError,
  )
  await assert.rejects(
    platform.asSuperuser('surety_pool', (client) =>
      client.query('INSERT INTO vault.canary VALUES ($1, $2, $3, $4)', [tenant.id, newId(), 'x', 'clear']),
    ),
    /violates check constraint/,
  )
})

it('a backup key comes back by its id', async () => {
  const tenant = await platform.makeTenant('rows')
  const { keyId, key } = await api.backupKey(tenant)
  assert.deepEqual((await api.backupKey(tenant, keyId)).key, key)
  assert.notDeepEqual((await api.backupKey(await platform.makeTenant('rows'))).key, key)
})
