import assert from 'node:assert/strict'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, before, it } from 'node:test'
import { sql } from 'drizzle-orm'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import type { ApiOf } from '../../kernel/module.ts'
import { proof } from '../../proof/index.ts'
import type { vault } from '../vault/index.ts'
import type { BackupApi } from './api.ts'
import { openFileRepository } from './fileRepository.ts'
import { backup } from './index.ts'
import { openBackupKeys } from './keys.ts'
import { objectName, readManifest, readObject } from './manifest.ts'
import { findPrograms } from './programs.ts'

let platform: TestPlatform
let api: BackupApi
before(async () => {
  platform = await testPlatform([proof, backup])
  api = platform.api('backup') as BackupApi
})
after(() => platform?.stop())

const sealed = () => ({
  repository: openFileRepository(join(platform.stores.files, 'backups')),
  keys: openBackupKeys(platform.api('vault') as ApiOf<typeof vault>),
})

for (const model of ['database', 'rows'] as const) {
  it(`a tenant of the ${model} model is backed up from one snapshot, with its files, and nobody else's rows`, async () => {
    const tenant = await platform.makeTenant(model)
    const other = await platform.makeTenant(model)
    for (const { one, body } of [
      { one: tenant, body: 'mine' },
      { one: other, body: 'theirs' },
    ])
      await one.transaction((db) =>
        db.execute(
          sql`INSERT INTO tenancy.canary (id, marker) VALUES (gen_random_uuid(), ${body}), (gen_random_uuid(), ${body})`,
        ),
      )
    await tenant.files.write('a/one.txt', [Buffer.from('file content')])
    await tenant.files.write('a/two.txt', [Buffer.from('file content')])
    const steps: string[] = []
    const made = await api.backUp(tenant.slug, (step) => steps.push(step))
    assert.equal(made.state, 'available')
    assert.deepEqual(steps, [
      'begun',
      'dumped',
      'dump read back',
      'files stored',
      'manifest stored',
      'available',
    ])
    const manifest = await readManifest(sealed(), tenant.id, made.id)
    assert.equal(manifest.tables.find(({ name }) => name === 'tenancy.canary')?.rows, 2)
    assert.deepEqual(
      manifest.files.map(({ path }) => path),
      ['a/one.txt', 'a/two.txt'],
    )
    const objects = (await sealed().repository.list(`${tenant.id}/`)).map(({ name }) => name.split('/')[1])
    assert.equal(objects.filter((part) => part === 'files').length, 1, 'equal files are stored once')
    const dump = await buffer(readObject(sealed(), objectName.dump(tenant.id, made.id)))
    assert.equal(dump.subarray(0, 5).toString(), 'PGDMP')
    const programs = findPrograms(platform.stores.migrator.config, manifest.postgres)
    const rows = await programs.feed('pg_restore', ['--data-only', '--file=-'], [dump])
    assert.deepEqual([rows.includes('mine'), rows.includes('theirs')], [true, false])
  })
}

it('once the keys of a tenant are destroyed, none of its backups can be read', async () => {
  const tenant = await platform.makeTenant('rows')
  const made = await api.backUp(tenant.slug)
  await readManifest(sealed(), tenant.id, made.id)
  await (platform.api('vault') as ApiOf<typeof vault>).destroy(tenant)
  await assert.rejects(readManifest(sealed(), tenant.id, made.id), { code: 'vault-destroyed' })
  await assert.rejects(buffer(readObject(sealed(), objectName.dump(tenant.id, made.id))), {
    code: 'vault-destroyed',
  })
})

it('two backups of one tenant do not run side by side', async () => {
  const tenant = await platform.makeTenant('rows')
  const [first, second] = await Promise.allSettled([api.backUp(tenant.slug), api.backUp(tenant.slug)])
  assert.deepEqual([first, second].map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
})

it('a file stays in the repository as long as a backup needs it', async () => {
  const tenant = await platform.makeTenant('rows')
  await tenant.files.write('kept.txt', [Buffer.from('kept')])
  await tenant.files.write('gone.txt', [Buffer.from('gone')])
  const older = await api.backUp(tenant.slug)
  await tenant.files.remove('gone.txt')
  await api.backUp(tenant.slug)
  await platform.asSuperuser('surety_control', (client) =>
    client.query('UPDATE backup.backup SET expires_at = now() WHERE id = $1', [older.id]),
  )
  const files = async () => (await sealed().repository.list(`${tenant.id}/files/`)).length
  assert.equal(await files(), 2)
  await api.due()
  assert.equal(await files(), 1)
  assert.equal((await api.list(tenant.slug)).length, 1)
})
