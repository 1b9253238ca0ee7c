import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { sql } from 'drizzle-orm'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'

describe('a suspended tenant', () => {
  let platform: TestPlatform
  before(async () => {
    platform = await testPlatform()
  })
  after(() => platform?.stop())

  const note = (marker: string) =>
    sql`INSERT INTO tenancy.canary (id, marker) VALUES (gen_random_uuid(), ${marker})`

  for (const model of ['rows', 'database'] as const) {
    it(`${model}: reads but cannot write, in its database or its files, until it is reactivated`, async () => {
      const { slug } = await platform.makeTenant(model)
      const active = await platform.tenancy.bySlug(slug)
      await active.transaction((db) => db.execute(note('kept')))
      await active.files.write('kept', [Buffer.from('kept')])

      await platform.tenancy.setState(slug, 'suspended')
      const suspended = await platform.tenancy.bySlug(slug)
      const readOnly = { code: 'tenant-read-only' }
      await assert.rejects(
        suspended.transaction((db) => db.execute(note('lost'))),
        readOnly,
      )
      await assert.rejects(
        suspended.transaction(async (db) => {
          await db.execute(sql`SELECT set_config('transaction_read_only', 'off', true)`)
          await db.execute(note('lost'))
        }),
      )
      await assert.rejects(suspended.files.write('lost', [Buffer.from('lost')]), readOnly)
      await assert.rejects(suspended.files.remove('kept'), readOnly)
      const { rows } = await suspended.transaction((db) => db.execute(sql`SELECT marker FROM tenancy.canary`))
      assert.deepEqual(rows, [{ marker: 'kept' }])
      assert.deepEqual(await suspended.files.list(), ['kept'])

      await platform.tenancy.setState(slug, 'active')
      await (await platform.tenancy.bySlug(slug)).transaction((db) => db.execute(note('again')))
    })
  }

  it('is no canary, and exists', async () => {
    for (const slug of ['canary-rows-a', 'no-such-tenant'])
      await assert.rejects(platform.tenancy.setState(slug, 'suspended'), { code: 'tenant-not-found' })
  })
})
