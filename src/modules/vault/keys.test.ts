import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { systemClock } from '../../kernel/clock.ts'
import { newId } from '../../kernel/ids.ts'
import { canary } from './canary.ts'
import { type DataKeyOptions, openDataKeys } from './dataKeys.ts'
import { fileKms, type MasterKeyFiles } from './fileKms.ts'
import { vault } from './index.ts'
import { openMasterKeys } from './masterKeys.ts'
import { openSealing } from './vault.ts'

let platform: TestPlatform
let folder: string
before(async () => {
  platform = await testPlatform([vault])
  folder = mkdtempSync(join(tmpdir(), 'master-keys-'))
})
after(async () => {
  await platform?.stop()
  rmSync(folder, { recursive: true, force: true })
})

function keyFile(content = randomBytes(32).toString('hex'), mode = 0o600): string {
  const file = join(folder, newId())
  writeFileSync(file, content)
  chmodSync(file, mode)
  return file
}

function optionsFor(files: MasterKeyFiles, ring = newId()): DataKeyOptions {
  return {
    database: platform.stores.keys,
    kms: fileKms(folder, files),
    ring,
    clock: systemClock,
    usesPerKey: 2 ** 31,
  }
}

it('master keys are 64 hexadecimal characters in a file that only its owner reads', async () => {
  const check = (file: string) => openMasterKeys(optionsFor({ v1: file })).check()
  await check(keyFile())
  await check(keyFile(undefined, 0o400))
  for (const mode of [0o644, 0o640, 0o604])
    await assert.rejects(check(keyFile(undefined, mode)), { code: 'secret-exposed' })
  for (const content of ['', 'g'.repeat(64), 'ab'.repeat(31), 'ab'.repeat(33)])
    await assert.rejects(check(keyFile(content)), { code: 'master-key-invalid' })
  await assert.rejects(check(join(folder, 'missing')), { code: 'master-key-missing' })
})

it('another key under the same name is noticed at the start', async () => {
  const first = optionsFor({ v1: keyFile() })
  await openMasterKeys(first).check()
  await assert.rejects(openMasterKeys(optionsFor({ v1: keyFile() }, first.ring)).check(), {
    code: 'master-key-invalid',
  })
})

it('sixteen master keys can follow each other, and no seventeenth', async () => {
  const files = Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`v${i + 1}`, keyFile()]))
  const master = openMasterKeys(optionsFor(files))
  for (let version = 1; version <= 16; version++) assert.equal(await master.rotate(), version)
  await assert.rejects(master.rotate(), { code: 'master-key-last' })
})

it('after a rewrap the old master key is needed no more, and before it is', async () => {
  const [v1, v2] = [keyFile(), keyFile()]
  const both = optionsFor({ v1, v2 })
  const master = openMasterKeys(both)
  await master.check()
  const tenant = newId()
  const { id, key } = await openDataKeys(both).forWriting(tenant)
  await master.rotate()
  const onlyNew = () => openDataKeys(optionsFor({ v2 }, both.ring))
  await assert.rejects(onlyNew().byId(tenant, id), { code: 'master-key-missing' })
  await master.rewrap(() => undefined)
  assert.deepEqual((await onlyNew().byId(tenant, id))?.key, key)
  assert.deepEqual(
    (await master.list()).map(({ version, wraps }) => [version, wraps]),
    [
      [1, 0],
      [2, 1],
    ],
  )
})

it('a wrapped key does not open for another tenant', async () => {
  const options = optionsFor({ v1: keyFile() })
  await openMasterKeys(options).check()
  const [tenant, other] = [newId(), newId()]
  const { id } = await openDataKeys(options).forWriting(tenant)
  await platform.asSuperuser('surety_keys', (client) =>
    client.query('UPDATE vault.data_key SET tenant_id = $2 WHERE id = $1', [id, other]),
  )
  await assert.rejects(openDataKeys(options).byId(other, id), { code: 'vault-refused' })
})

it('a key that was used often enough makes way for a new one, over all processes', async () => {
  const options = { ...optionsFor({ v1: keyFile() }), usesPerKey: 10 }
  await openMasterKeys(options).check()
  const tenant = newId()
  const [here, elsewhere] = [openDataKeys(options), openDataKeys(options)]
  const used = new Map<string, number>()
  const keys = await Promise.all(
    Array.from({ length: 35 }, (_, i) => (i % 2 ? here : elsewhere).forWriting(tenant)),
  )
  for (const { id } of keys) used.set(id, (used.get(id) ?? 0) + 1)
  assert.ok(Math.max(...used.values()) <= 10, `uses: ${[...used.values()]}`)
  const readable = await here.forReading(tenant, 1)
  const all = [...readable, ...(await here.madeSince(tenant, 1, readable))]
  for (const id of used.keys()) assert.ok(all.some((key) => key.id === id))
  for (const id of used.keys()) assert.equal((await here.byId(tenant, id))?.id, id)
})

it('what another process sealed under a newer key opens at once', async () => {
  const options = { ...optionsFor({ v1: keyFile() }), usesPerKey: 1 }
  await openMasterKeys(options).check()
  const sealing = () =>
    openSealing({ keys: openDataKeys(options), commitment: false, onRefused: () => undefined })
  const [here, elsewhere] = [sealing(), sealing()]
  const owner = { id: newId() }
  const place = { tenantId: owner.id, socialAccountId: newId(), platform: 'x' }
  const read = async (row: object) => (await here.open(owner, canary, row)) as { accessToken: string }
  await read(await elsewhere.seal(owner, canary, { ...place, accessToken: 'first' }))
  const second = await elsewhere.seal(owner, canary, { ...place, accessToken: 'second' })
  assert.equal((await read(second)).accessToken, 'second')
})

it('many at once make one key', async () => {
  const options = optionsFor({ v1: keyFile() })
  await openMasterKeys(options).check()
  const tenant = newId()
  const writers = Array.from({ length: 8 }, () => openDataKeys(options))
  const keys = await Promise.all(writers.map((writer) => writer.forWriting(tenant)))
  assert.equal(new Set(keys.map(({ id }) => id)).size, 1)
})

it('a destruction is in force in other processes within a second, and no key is made again', async () => {
  const options = optionsFor({ v1: keyFile() })
  await openMasterKeys(options).check()
  const tenant = newId()
  const [here, elsewhere] = [openDataKeys(options), openDataKeys(options)]
  const { id } = await elsewhere.forWriting(tenant)
  await here.destroy(tenant)
  await here.destroy(tenant)
  await new Promise((resolve) => setTimeout(resolve, 1_050))
  await assert.rejects(elsewhere.byId(tenant, id), { code: 'vault-destroyed' })
  await assert.rejects(elsewhere.forWriting(tenant), { code: 'vault-destroyed' })
  const left = await platform.stores.keys.query('SELECT FROM vault.data_key WHERE tenant_id = $1', [tenant])
  assert.equal(left.length, 0)
})
