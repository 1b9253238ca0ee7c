import assert from 'node:assert/strict'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { sql } from 'drizzle-orm'
import { databases } from '../src/data/roles.ts'
import type { BackupApi } from '../src/modules/backup/index.ts'
import { type LifecycleApi, lifecycle } from '../src/modules/lifecycle/index.ts'
import type { Tenant } from '../src/modules/tenancy/index.ts'
import { type TestPlatform, testPlatform } from './support/platform.ts'

const LATE = 91 * 86_400_000

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([lifecycle])
})
after(() => platform?.stop())

const backup = () => platform.api('backup') as BackupApi
const api = () => platform.api('lifecycle') as LifecycleApi
const content = async (tenant: Tenant) =>
  (await tenant.transaction((db) => db.execute(sql`SELECT marker FROM tenancy.canary`))).rows

async function makeFull(model: 'rows' | 'database'): Promise<Tenant> {
  const tenant = await platform.makeTenant(model)
  await tenant.transaction((db) =>
    db.execute(sql`INSERT INTO tenancy.canary (id, marker) VALUES (gen_random_uuid(), ${tenant.slug})`),
  )
  await tenant.files.write('a.txt', [Buffer.from(tenant.slug)])
  return tenant
}

for (const model of ['rows', 'database'] as const) {
  it(`${model}: an erased tenant does not come back: not from its backups, not with those of another`, async () => {
    const [tenant, other] = [await makeFull(model), await makeFull(model)]
    const [own, others] = [await backup().backUp(tenant.slug), await backup().backUp(other.slug)]
    // What an immutable repository, or a thief, still has.
    const folder = join(platform.stores.files, 'backups', tenant.id)
    const kept = `${folder}-kept`
    await cp(folder, kept, { recursive: true })

    await api().suspend(tenant.slug)
    assert.equal((await api().sweep(new Date(Date.now() + LATE), tenant.slug)).length, 1)
    await assert.rejects(backup().restore(own.id, other.slug), { code: 'backup-not-found' })

    await cp(kept, folder, { recursive: true })
    await platform.asSuperuser(databases.control, (client) =>
      client.query(`UPDATE backup.backup SET state = 'available' WHERE id = $1`, [own.id]),
    )
    await assert.rejects(backup().restore(own.id, other.slug), { code: 'vault-destroyed' })
    assert.deepEqual(await content(other), [{ marker: other.slug }])

    await backup().restore(others.id, other.slug)
    assert.deepEqual(await content(other), [{ marker: other.slug }])
    assert.deepEqual(await api().replayLedger(), new Map())
    await assert.rejects(platform.tenancy.bySlug(tenant.slug), { code: 'tenant-not-found' })
  })

  it(`${model}: a restore of a suspended tenant leaves it suspended`, async () => {
    const tenant = await makeFull(model)
    const { id } = await backup().backUp(tenant.slug)
    await api().suspend(tenant.slug)
    if (model === 'database')
      await platform.asSuperuser('postgres', (client) =>
        client.query(`DROP DATABASE "${tenant.slug}" WITH (FORCE)`),
      )
    await backup().restore(id, tenant.slug)
    const restored = await platform.tenancy.bySlug(tenant.slug)
    assert.deepEqual(await content(restored), [{ marker: tenant.slug }])
    await assert.rejects(
      restored.transaction((db) => db.execute(sql`DELETE FROM tenancy.canary`)),
      { code: 'tenant-read-only' },
    )
  })
}
