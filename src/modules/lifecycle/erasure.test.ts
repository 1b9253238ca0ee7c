import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, it } from 'node:test'
import { sql } from 'drizzle-orm'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { databases, roles } from '../../data/roles.ts'
import { verifyBundle } from '../../proof/evidence/verify.ts'
import { type IdentityApi, identity, tenantRealm } from '../identity/index.ts'
import { tenantRole } from '../tenancy/credentials.ts'
import type { Tenant } from '../tenancy/index.ts'
import { type VaultApi, vault } from '../vault/index.ts'
import { type LifecycleApi, lifecycle } from './index.ts'
import { oneMonthAfter } from './request.ts'

const DAY = 86_400_000
const PERSON = { email: 'mia@example.org', name: 'Mia', role: 'owner', password: null }
let platform: TestPlatform
before(async () => {
  platform = await testPlatform([identity, vault, lifecycle])
})
after(() => platform?.stop())

const api = () => platform.api('lifecycle') as LifecycleApi

/** A tenant with something in every place where a tenant can have something. */
async function makeFull(model: 'rows' | 'database'): Promise<Tenant> {
  const tenant = await platform.makeTenant(model)
  await (platform.api('identity') as IdentityApi).people.add(tenantRealm(tenant), PERSON)
  await tenant.files.write('pictures/one.txt', [Buffer.from('one')])
  await platform.stores.redis.set(tenant.cache.key('page'), 'x')
  await (platform.api('vault') as VaultApi).backupKey(tenant)
  return tenant
}

const count = async (database: string, statement: string, values: unknown[]): Promise<number> =>
  Number((await platform.asSuperuser(database, (client) => client.query(statement, values))).rows[0]?.n)

/** How many rows of a tenant there are in the pool, the trail of its changes included. */
async function rowsInPool({ id }: Tenant): Promise<number> {
  const tables = await platform.asSuperuser(databases.pool, (client) =>
    client.query<{ name: string }>(
      `SELECT attrelid::regclass::text AS name FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid
       WHERE attname = 'tenant_id' AND relkind = 'r'`,
    ),
  )
  let sum = 0
  for (const { name } of tables.rows)
    sum += await count(databases.pool, `SELECT count(*) AS n FROM ${name} WHERE tenant_id = $1`, [id])
  return sum
}

for (const model of ['rows', 'database'] as const) {
  it(`${model}: is erased when its time is over, with everything, and nobody else is`, async () => {
    const [tenant, other] = [await makeFull(model), await makeFull(model)]
    const late = new Date(Date.now() + 10 * 365 * DAY)
    assert.deepEqual(await api().sweep(late, tenant.slug), [], 'an active tenant is never due')
    await api().suspend(tenant.slug)
    assert.deepEqual(await api().sweep(new Date(Date.now() + 90 * DAY - 60_000), tenant.slug), [])
    assert.equal((await platform.tenancy.bySlug(tenant.slug)).state, 'suspended')
    const otherRows = await rowsInPool(other)

    const [receipt] = await api().sweep(new Date(Date.now() + 90 * DAY + 1), tenant.slug)
    assert.ok(receipt)
    await assert.rejects(platform.tenancy.bySlug(tenant.slug), { code: 'tenant-not-found' })
    await assert.rejects(platform.tenancy.resolve(tenant.hosts[0] as string), { code: 'tenant-not-found' })
    assert.equal(await rowsInPool(tenant), 0)
    const names = [tenant.slug, `tenant_${tenant.slug}`]
    assert.equal(
      await count('postgres', 'SELECT count(*) AS n FROM pg_database WHERE datname = $1', [tenant.slug]),
      0,
    )
    assert.equal(
      await count('postgres', 'SELECT count(*) AS n FROM pg_roles WHERE rolname = ANY ($1)', [names]),
      0,
    )
    assert.equal(
      await count(databases.keys, 'SELECT count(*) AS n FROM vault.data_key WHERE tenant_id = $1', [
        tenant.id,
      ]),
      0,
    )
    assert.deepEqual(await tenant.files.list(), [])
    assert.deepEqual(await platform.stores.redis.keys(`*${tenant.id}*`), [])
    await assert.rejects((platform.api('vault') as VaultApi).backupKey(tenant), { code: 'vault-destroyed' })
    // A process that still holds the tenant object writes nothing any more.
    await assert.rejects(
      tenant.transaction((db) =>
        db.execute(sql`INSERT INTO tenancy.canary (id, marker) VALUES (gen_random_uuid(), 'x')`),
      ),
    )
    assert.equal(await rowsInPool(tenant), 0)

    assert.equal(await rowsInPool(other), otherRows)
    assert.deepEqual(await other.files.list(), ['pictures/one.txt'])
    await other.transaction((db) => db.execute(sql`SELECT 1 FROM identity.person`))
    assert.equal(await platform.stores.redis.get(other.cache.key('page')), 'x')

    const { ok, record } = verifyBundle(JSON.stringify(receipt.proof))
    assert.ok(ok)
    const commitment = createHash('sha256').update(`${receipt.nonce}.${tenant.id}`).digest('hex')
    assert.equal((record as { tenant: string }).tenant, commitment)
    assert.ok(!JSON.stringify(record).includes(tenant.id), 'the public log does not name the customer')
    assert.deepEqual(await api().receipt(tenant.id), receipt)
  })

  it(`${model}: a slug is free again, and the ledger leaves its new owner alone`, async () => {
    const tenant = await makeFull(model)
    await api().suspend(tenant.slug)
    await api().sweep(new Date(Date.now() + 91 * DAY), tenant.slug)
    await platform.tenancy.create({ slug: tenant.slug, name: 'New', model, hosts: [...tenant.hosts] })
    const next = await platform.tenancy.bySlug(tenant.slug)
    await next.files.write('new', [Buffer.from('new')])
    await next.transaction((db) =>
      db.execute(sql`INSERT INTO tenancy.canary (id, marker) VALUES (gen_random_uuid(), 'new')`),
    )
    assert.deepEqual(await api().replayLedger(), new Map())
    assert.deepEqual(await next.files.list(), ['new'])
    assert.equal(
      (await next.transaction((db) => db.execute(sql`SELECT 1 FROM tenancy.canary`))).rows.length,
      1,
    )
  })
}

it('erases again what a restore brought back', async () => {
  const tenant = await makeFull('rows')
  const { rows } = await platform.asSuperuser(databases.pool, (client) =>
    client.query('SELECT * FROM identity.person WHERE tenant_id = $1', [tenant.id]),
  )
  const row = rows[0] as Record<string, unknown>
  await api().suspend(tenant.slug)
  await api().sweep(new Date(Date.now() + 91 * DAY), tenant.slug)
  await platform.asSuperuser(databases.pool, (client) =>
    client.query(
      `INSERT INTO identity.person (${Object.keys(row)}) VALUES (${Object.keys(row).map((_, i) => `$${i + 1}`)})`,
      Object.values(row),
    ),
  )
  const found = await api().replayLedger()
  assert.deepEqual(found.get(tenant.id)?.sort(), ['rows in audit.entry', 'rows in identity.person'])
  assert.equal(await rowsInPool(tenant), 0)
})

for (const model of ['rows', 'database'] as const)
  it(`${model}: erases again whom the whole cluster brings back, ledger and all`, async () => {
    const tenant = await makeFull(model)
    const row = await registered(tenant)
    await api().suspend(tenant.slug)
    if (model === 'database') await renewFrom(tenant.slug, `${tenant.slug}_kept`)
    const [receipt] = await api().sweep(new Date(Date.now() + 91 * DAY), tenant.slug)
    await platform.asSuperuser(databases.control, async (client) => {
      await client.query('DELETE FROM lifecycle.erasure WHERE tenant_id = $1', [tenant.id])
      await client.query(
        'INSERT INTO tenancy.tenant SELECT * FROM jsonb_populate_record(NULL::tenancy.tenant, $1)',
        [row],
      )
    })
    if (model === 'database') {
      await platform.asSuperuser('postgres', (client) =>
        client.query(`CREATE ROLE ${tenantRole(tenant.slug)}`),
      )
      await renewFrom(`${tenant.slug}_kept`, tenant.slug)
    }
    assert.equal((await platform.tenancy.bySlug(tenant.slug)).id, tenant.id, 'it is back')
    assert.ok((await api().replayLedger()).has(tenant.id))
    await assert.rejects(platform.tenancy.bySlug(tenant.slug), { code: 'tenant-not-found' })
    const line = (await api().erasures()).find(({ id }) => id === tenant.id)
    assert.deepEqual([line?.nonce, line?.finishedAt instanceof Date], [receipt?.nonce, true])
    assert.deepEqual(await api().replayLedger(), new Map())
  })

async function renewFrom(from: string, to: string): Promise<void> {
  await platform.asSuperuser('postgres', async (client) => {
    await client.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [from])
    await client.query(`CREATE DATABASE ${to} TEMPLATE ${from} OWNER ${roles.owner}`)
  })
}

/** A tenant's line in the registry. */
async function registered({ id }: Tenant): Promise<unknown> {
  const { rows } = await platform.asSuperuser(databases.control, (client) =>
    client.query('SELECT to_jsonb(t) AS row FROM tenancy.tenant t WHERE id = $1', [id]),
  )
  return rows[0]?.row
}

it('erases on request once it is known who asked, and says until when it must', async () => {
  const tenant = await makeFull('database')
  const request = await api().request(tenant.slug, 'privacy mailbox')
  assert.equal(request.dueOn, oneMonthAfter(request.receivedAt, 'Europe/Berlin'))
  await assert.rejects(api().eraseOnRequest(request.id), { code: 'erasure-unconfirmed' })
  await api().confirm(request.id, 'called back at the number in the contract')
  const receipt = await api().eraseOnRequest(request.id)
  assert.equal(receipt.because, 'request')
  assert.equal((await api().erasures()).find(({ id }) => id === tenant.id)?.requestId, request.id)
  await assert.rejects(platform.tenancy.bySlug(tenant.slug), { code: 'tenant-not-found' })
})

it('counts a month as Regulation 1182/71 does', () => {
  for (const [received, due] of [
    ['2026-01-31T12:00:00Z', '2026-02-28'],
    ['2028-01-31T12:00:00Z', '2028-02-29'],
    ['2026-03-15T12:00:00Z', '2026-04-15'],
    ['2026-12-31T22:59:59Z', '2027-01-31'],
    // In Berlin it is the first of January already.
    ['2026-12-31T23:00:00Z', '2027-02-01'],
  ] as const)
    assert.equal(oneMonthAfter(new Date(received), 'Europe/Berlin'), due)
})

it('is not for canaries that probes share', async () => {
  const request = await api().request('canary-rows-a', 'test')
  await api().confirm(request.id, 'test')
  await assert.rejects(api().eraseOnRequest(request.id), { code: 'tenant-not-erasable' })
})
