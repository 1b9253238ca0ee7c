import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { databases } from '../../data/roles.ts'
import { proof } from '../../proof/index.ts'
import { audit } from '../audit/index.ts'
import { type LifecycleApi, lifecycle } from '../lifecycle/index.ts'
import type { Tenant } from '../tenancy/index.ts'
import type { BackupApi } from './api.ts'
import { openFileRepository } from './fileRepository.ts'
import { backup } from './index.ts'

let platform: TestPlatform
let api: BackupApi
before(async () => {
  platform = await testPlatform([proof, audit, backup, lifecycle])
  api = platform.api('backup') as BackupApi
})
after(() => platform?.stop())

const insert = (tenant: Tenant, marker: string) =>
  tenant.transaction((db) =>
    db.execute(sql`INSERT INTO tenancy.canary (id, marker) VALUES (gen_random_uuid(), ${marker})`),
  )
const markers = async (tenant: Tenant) =>
  (
    await tenant.transaction((db) => db.execute(sql`SELECT marker FROM tenancy.canary ORDER BY marker`))
  ).rows.map(({ marker }) => marker)
const read = async (tenant: Tenant, path: string) => text((await tenant.files.open(path)).stream)
/** Until so many sessions wait for a lock. */
async function waitFor(sessions: number): Promise<void> {
  for (;;) {
    const { rows } = await platform.asSuperuser(databases.pool, (client) =>
      client.query(`SELECT count(*)::int AS n FROM pg_stat_activity
         WHERE wait_event_type = 'Lock' AND datname = current_database()`),
    )
    if (rows[0].n >= sessions) return
    await sleep(20)
  }
}
const storeOf = (tenant: Tenant) => (tenant.model === 'rows' ? databases.pool : tenant.slug)

for (const model of ['database', 'rows'] as const) {
  it(`${model}: what was changed, added and removed since the backup is as it was, and a neighbour is untouched`, async () => {
    const [tenant, neighbour] = [await platform.makeTenant(model), await platform.makeTenant(model)]
    await insert(tenant, 'kept')
    await insert(tenant, 'removed')
    await insert(neighbour, 'theirs')
    await tenant.files.write('a/kept.txt', [Buffer.from('kept')])
    await tenant.files.write('a/removed.txt', [Buffer.from('removed')])
    const { id } = await api.backUp(tenant.slug)
    await tenant.transaction((db) => db.execute(sql`DELETE FROM tenancy.canary WHERE marker = 'removed'`))
    await insert(tenant, 'added')
    await tenant.files.write('a/kept.txt', [Buffer.from('changed')])
    await tenant.files.remove('a/removed.txt')
    await tenant.files.write('added.txt', [Buffer.from('added')])
    const { phases } = await api.restore(id, tenant.slug)
    assert.deepEqual(await markers(tenant), ['kept', 'removed'])
    assert.deepEqual(await markers(neighbour), ['theirs'])
    assert.deepEqual(await tenant.files.list(), ['a/kept.txt', 'a/removed.txt'])
    assert.equal(await read(tenant, 'a/kept.txt'), 'kept')
    assert.ok(phases.load)
  })

  it(`${model}: a backup goes into a new tenant, of either model, and the old one stays as it is`, async () => {
    const tenant = await platform.makeTenant(model)
    await insert(tenant, 'one')
    await tenant.files.write('one.txt', [Buffer.from('one')])
    const { id } = await api.backUp(tenant.slug)
    for (const other of ['database', 'rows'] as const) {
      const target = await platform.makeTenant(other)
      await api.restore(id, target.slug)
      await insert(target, 'two')
      assert.deepEqual(await markers(target), ['one', 'two'])
      assert.deepEqual(await markers(tenant), ['one'])
      assert.equal(await read(target, 'one.txt'), 'one')
    }
  })

  it(`${model}: a tenant whose data was destroyed comes back`, async () => {
    const tenant = await platform.makeTenant(model)
    await insert(tenant, 'one')
    await tenant.files.write('one.txt', [Buffer.from('one')])
    const { id } = await api.backUp(tenant.slug)
    if (model === 'database')
      await platform.asSuperuser('postgres', (client) =>
        client.query(`DROP DATABASE ${tenant.slug} WITH (FORCE)`),
      )
    else
      await platform.asSuperuser(databases.pool, (client) =>
        client.query('DELETE FROM tenancy.canary WHERE tenant_id = $1', [tenant.id]),
      )
    await rm(join(platform.stores.files, 'filestore', tenant.slug), { recursive: true })
    await api.restore(id, tenant.slug)
    assert.deepEqual(await markers(tenant), ['one'])
    assert.equal(await read(tenant, 'one.txt'), 'one')
  })

  it(`${model}: the audit trail goes on through a restore, and tells of it`, async () => {
    const tenant = await platform.makeTenant(model)
    await insert(tenant, 'one')
    const { id } = await api.backUp(tenant.slug)
    await api.restore(id, tenant.slug)
    const told = await platform.asSuperuser(storeOf(tenant), (client) =>
      client.query<{ act: string; who: string }>(
        `SELECT act, who FROM audit.entry WHERE tenant_id = $1 AND target = 'tenancy.canary' ORDER BY at`,
        [tenant.id],
      ),
    )
    assert.deepEqual(
      told.rows.map(({ act, who }) => [act, who]),
      [
        ['INSERT', ''],
        ['DELETE', 'system:restore'],
        ['INSERT', 'system:restore'],
      ],
    )
  })
}

it('a backup of an older schema is brought to the one that runs here', async () => {
  const tenant = await platform.makeTenant('database')
  await tenant.files.write('one.txt', [Buffer.from('one')])
  // As it was before there were canaries.
  await platform.asSuperuser(tenant.slug, (client) =>
    client.query(
      `DROP TABLE tenancy.canary; DELETE FROM surety.migration WHERE name = 'tenancy/0002-canary.sql'`,
    ),
  )
  const { id } = await api.backUp(tenant.slug)
  const target = await platform.makeTenant('rows')
  await insert(target, 'newer')
  await api.restore(id, target.slug)
  assert.deepEqual(await markers(target), [])
  assert.equal(await read(target, 'one.txt'), 'one')
})

it('a backup with a migration that nobody here knows is refused, and nothing changes', async () => {
  const [source, target] = [await platform.makeTenant('database'), await platform.makeTenant('database')]
  await insert(target, 'stays')
  const add = (tenant: Tenant) =>
    platform.asSuperuser(tenant.slug, (client) =>
      client.query(
        `INSERT INTO surety.migration (name, sha256) VALUES ('later/0001-later.sql', repeat('0', 64))`,
      ),
    )
  await add(source)
  const { id } = await api.backUp(source.slug)
  await assert.rejects(api.restore(id, target.slug), { code: 'backup-too-new' })
  assert.deepEqual(await markers(target), ['stays'])
  // Where the store has it as well, as after a module was taken out, it is no obstacle.
  await add(target)
  await api.restore(id, target.slug)
  assert.deepEqual(await markers(target), [])
})

it('a restore that a concurrent write disturbs changes nothing', async () => {
  const tenant = await platform.makeTenant('rows')
  const row = (marker: string) =>
    sql`INSERT INTO tenancy.canary (id, marker) VALUES (${tenant.id}, ${marker})`
  await tenant.transaction((db) => db.execute(row('backed up')))
  const { id } = await api.backUp(tenant.slug)
  await tenant.transaction((db) => db.execute(sql`DELETE FROM tenancy.canary`))
  const { promise: takingOver, resolve } = Promise.withResolvers<void>()
  const writing = tenant.transaction(async (db) => {
    await db.execute(row('written meanwhile'))
    await takingOver
    await waitFor(1)
  })
  await assert.rejects(api.restore(id, tenant.slug, (phase) => phase === 'take over rows' && resolve()))
  await writing
  assert.deepEqual(await markers(tenant), ['written meanwhile'])
})

it('while a tenant is restored it is not restored a second time', async () => {
  const tenant = await platform.makeTenant('rows')
  const { id } = await api.backUp(tenant.slug)
  const both = await Promise.allSettled([api.restore(id, tenant.slug), api.restore(id, tenant.slug)])
  assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
})

it('who was erased stays gone when an older backup of another tenant is restored, and cannot be read back', async () => {
  const [kept, erased] = [await platform.makeTenant('rows'), await platform.makeTenant('rows')]
  for (const tenant of [kept, erased]) await insert(tenant, 'content')
  const [older, ofErased] = [await api.backUp(kept.slug), await api.backUp(erased.slug)]
  const erasing = platform.api('lifecycle') as LifecycleApi
  const { id } = await erasing.request(erased.slug, 'mail')
  await erasing.confirm(id, 'called back')
  await erasing.eraseOnRequest(id)
  await api.restore(older.id, kept.slug)
  assert.deepEqual(await markers(kept), ['content'])
  await assert.rejects(platform.tenancy.bySlug(erased.slug), { code: 'tenant-not-found' })
  await assert.rejects(api.restore(ofErased.id, kept.slug), { code: 'backup-not-found' })
  const left = await platform.asSuperuser(databases.pool, (client) =>
    client.query('SELECT FROM tenancy.canary WHERE tenant_id = $1', [erased.id]),
  )
  assert.equal(left.rowCount, 0)
  assert.deepEqual(await openFileRepository(join(platform.stores.files, 'backups')).list(`${erased.id}/`), [])
})
