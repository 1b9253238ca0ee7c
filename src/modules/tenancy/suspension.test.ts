import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { sql } from 'drizzle-orm'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'

const CHANGE = `INSERT INTO tenancy.canary (id, marker) VALUES (gen_random_uuid(), 'lost')`
/** Ways for SQL that was injected to write all the same. */
const ATTACKS = [
  ['the setting of the transaction', 'SET transaction_read_only = off', CHANGE],
  ['the mode of the transaction', 'SET TRANSACTION READ WRITE', CHANGE],
  ['another transaction', 'COMMIT', 'BEGIN READ WRITE', CHANGE],
  ['no triggers', 'SET session_replication_role = replica', CHANGE],
  ['no trigger', 'ALTER TABLE tenancy.canary DISABLE TRIGGER ALL', CHANGE],
  ['a line less', 'DELETE FROM tenancy.suspended', CHANGE],
  [
    'a context that comes back after the check',
    `SELECT set_config('app.kept', current_setting('app.tenant', true), true), set_config('app.tenant', '', true)`,
    `WITH back AS MATERIALIZED (SELECT set_config('app.tenant', current_setting('app.kept', true), true))
     UPDATE tenancy.canary SET marker = 'lost' FROM back`,
  ],
  ['an update', `UPDATE tenancy.canary SET marker = 'lost'`],
  ['a deletion', 'DELETE FROM tenancy.canary'],
] as const

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
      // Also through an object that was opened before, as another process may still hold one.
      await assert.rejects(
        active.transaction((db) => db.execute(note('lost'))),
        readOnly,
      )
      for (const [what, ...statements] of ATTACKS)
        await assert.rejects(
          suspended.transaction(async (db) => {
            for (const statement of statements) await db.execute(sql.raw(statement))
          }),
          Error,
          what,
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
