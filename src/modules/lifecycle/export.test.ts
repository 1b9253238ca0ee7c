import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readlinkSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { sql } from 'drizzle-orm'
import { until } from '../../../test/support/holder.ts'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import type { EdgeAnswer, EdgeApi } from '../edge/index.ts'
import { type IdentityApi, tenantRealm } from '../identity/index.ts'
import type { Tenant } from '../tenancy/index.ts'
import { vault } from '../vault/index.ts'
import { exportTenant } from './export/archive.ts'
import { openExport } from './export/read.ts'
import { type LifecycleApi, lifecycle } from './index.ts'

/** With a line separator, which is no end of a line. */
const NAME = 'Zoë "Quote" \u2028 Ωmega'
const PASSWORD = 'a long enough sentence'
let platform: TestPlatform
before(async () => {
  platform = await testPlatform([vault, lifecycle])
  await platform.serve()
})
after(() => platform?.stop())

const api = () => platform.api('lifecycle') as LifecycleApi
const identity = () => platform.api('identity') as IdentityApi

async function addPerson(tenant: Tenant, role: string): Promise<string> {
  const realm = tenantRealm(tenant)
  const person = { email: `${role}@example.org`, name: NAME, role, password: PASSWORD }
  const id = await identity().people.add(realm, person)
  const password = await identity().people.passwordHashOf(realm, id)
  return (await identity().sessions.begin(realm, { id, password }, { device: 'test', factors: ['pwd'] }))
    .access
}

function download(tenant: Tenant, access: string): Promise<EdgeAnswer> {
  return (platform.api('edge') as EdgeApi).request({
    host: tenant.hosts[0] as string,
    path: '/api/v1/export',
    headers: { authorization: `Bearer ${access}` },
  })
}

const notes = (tenant: Tenant) =>
  tenant.transaction(
    async (db) => (await db.execute(sql`SELECT id, marker FROM tenancy.canary ORDER BY id`)).rows,
  )

for (const [from, to] of [
  ['rows', 'database'],
  ['database', 'rows'],
] as const) {
  it(`${from}: everything can be taken away while suspended and brought into a tenant of the model ${to}`, async () => {
    const tenant = await platform.makeTenant(from)
    const access = await addPerson(tenant, 'owner')
    await tenant.transaction((db) =>
      db.execute(
        sql`INSERT INTO tenancy.canary (id, marker) SELECT gen_random_uuid(), 'line ' || n || E'\n"' FROM generate_series(1, 2500) n`,
      ),
    )
    const picture = Buffer.alloc(300_000, 7)
    await tenant.files.write('pictures/bühne.bin', [picture])
    await api().suspend(tenant.slug)

    const answer = await download(tenant, access)
    assert.equal(answer.status, 200, answer.body.slice(0, 300))
    assert.match(String(answer.headers['content-disposition']), /attachment; filename="t.*\.zip"/)
    const hash = (await identity().people.passwordHashOf(
      tenantRealm(tenant),
      (
        await personOf(tenant)
      ).id,
    )) as string
    const archive = await openExport(answer.bytes)
    const people = archive.manifest.tables.find(({ name }) => name === 'identity.person')
    assert.deepEqual(people?.omitted, ['password'])
    assert.equal(archive.manifest.tables.find(({ name }) => name === 'tenancy.canary')?.rows, 2500)
    for (const path of archive.paths.filter((path) => path.endsWith('.ndjson'))) {
      for await (const chunk of await archive.stream(path))
        assert.ok(!String(chunk).includes(hash.slice(-20)), `${path} has a password hash`)
    }

    const file = join(tmpdir(), `${tenant.slug}.zip`)
    await writeFile(file, answer.bytes)
    const other = await platform.makeTenant(to)
    const first = await api().importInto(other.slug, file)
    assert.equal(first.rows['tenancy.canary'], 2500)
    assert.equal(first.files, 1)
    assert.ok(first.leftOut.includes('identity.session'), 'nobody is signed in by an import')
    assert.deepEqual(await notes(other), await notes(tenant))
    assert.equal((await personOf(other)).name, NAME)
    const stored = await other.files.open('pictures/bühne.bin')
    assert.ok(Buffer.concat(await stored.stream.toArray()).equals(picture))
    assert.equal(
      (await api().importInto(other.slug, file)).rows['tenancy.canary'],
      0,
      'again changes nothing',
    )

    const broken = Buffer.from(answer.bytes)
    const at = broken.indexOf(Buffer.alloc(1000, 7))
    broken[at + 500] = 8
    await writeFile(file, broken)
    await assert.rejects(api().importInto(other.slug, file), { code: 'export-invalid' })
  })
}

it('lets go of everything when whoever downloads goes away', async (context) => {
  if (!existsSync('/proc/self/fd')) return context.skip('open files are counted by /proc')
  const tenant = await platform.makeTenant('rows')
  await tenant.transaction((db) =>
    db.execute(sql`INSERT INTO tenancy.canary (id, marker)
      SELECT gen_random_uuid(), encode(sha256(n::text::bytea), 'hex') || repeat('x', 500) FROM generate_series(1, 5000) n`),
  )
  await tenant.files.write('large.bin', [randomBytes(8_000_000)])
  const archive = await exportTenant(tenant, new Date(), 'test')
  assert.equal(openSpools(), 1)
  for await (const _chunk of archive) break
  await until(() => openSpools() === 0)
})

/** Files without a name that this process still holds. */
function openSpools(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).includes('surety-export-')
    } catch {
      return false // the one that reads the folder
    }
  }).length
}

it('is for those alone who may read everything', async () => {
  const tenant = await platform.makeTenant('rows')
  assert.equal((await download(tenant, await addPerson(tenant, 'editor'))).status, 403)
})

async function personOf(tenant: Tenant): Promise<{ id: string; name: string }> {
  const { rows } = await tenant.transaction((db) =>
    db.execute<{ id: string; name: string }>(sql`SELECT id, name FROM identity.person`),
  )
  return rows[0] as { id: string; name: string }
}
