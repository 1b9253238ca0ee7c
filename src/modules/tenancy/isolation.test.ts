import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { eq, sql } from 'drizzle-orm'
import { text, uuid } from 'drizzle-orm/pg-core'
import { z } from 'zod'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { databases } from '../../data/roles.ts'
import { statement } from '../../data/statement.ts'
import { tenantTable } from '../../data/tenantTable.ts'
import { newId } from '../../kernel/ids.ts'
import { defineModule } from '../../kernel/module.ts'
import type { Tenant } from './tenant.ts'

const note = tenantTable('isolation_note', { id: uuid().notNull(), body: text().notNull() })
const notes = defineModule({
  name: 'isolation-notes',
  needs: {},
  settings: z.object({}),
  migrations: { tenant: new URL('./test-migrations/', import.meta.url) },
  start: async () => ({ api: null }),
})

const add = statement<{ id: string; body: string }>()('isolation.add', (db) =>
  db.insert(note).values({ id: sql.placeholder('id'), body: sql.placeholder('body') }),
)
const all = statement()('isolation.all', (db) => db.select({ body: note.body }).from(note))
const rename = statement<{ body: string }>()('isolation.rename', (db) =>
  db
    .update(note)
    .set({ body: sql`${sql.placeholder('body')}` })
    .where(eq(sql`1`, 1)),
)

describe('a tenant sees and changes its own rows only', () => {
  let platform: TestPlatform
  const tenants: Record<string, [Tenant, Tenant]> = {}

  before(async () => {
    platform = await testPlatform([notes])
    for (const model of ['rows', 'database'] as const) {
      const a = await platform.makeTenant(model)
      const b = await platform.makeTenant(model)
      await a.query(add, { id: newId(), body: `of ${a.slug}` })
      await b.query(add, { id: newId(), body: `of ${b.slug}` })
      tenants[model] = [a, b]
    }
  })
  after(() => platform?.stop())

  for (const model of ['rows', 'database'] as const) {
    const pair = () => tenants[model] as [Tenant, Tenant]

    it(`${model}: a query without a WHERE returns the tenant's rows`, async () => {
      const [a, b] = pair()
      assert.deepEqual(await a.query(all, {}), [{ body: `of ${a.slug}` }])
      assert.deepEqual(await b.query(all, {}), [{ body: `of ${b.slug}` }])
    })

    it(`${model}: an update without a WHERE leaves the other tenant's rows`, async () => {
      const [a, b] = pair()
      await a.query(rename, { body: `new ${a.slug}` })
      assert.deepEqual(await b.query(all, {}), [{ body: `of ${b.slug}` }])
      await a.query(rename, { body: `of ${a.slug}` })
    })

    it(`${model}: a row cannot be written for another tenant`, async () => {
      const [a, b] = pair()
      const write = a.transaction((db) =>
        db.execute(sql`INSERT INTO isolation_note (tenant_id, id, body) VALUES (${b.id}, ${newId()}, 'x')`),
      )
      await assert.rejects(write, { code: 'not-allowed' })
    })

    it(`${model}: a transaction commits whole or not at all`, async () => {
      const [a] = pair()
      const failing = a.transaction(async (db) => {
        await db.insert(note).values({ id: newId(), body: 'never' })
        throw new Error('stop')
      })
      await assert.rejects(failing, /stop/)
      assert.equal((await a.query(all, {})).length, 1)
    })

    it(`${model}: many callers at once each see their own tenant`, async () => {
      const [a, b] = pair()
      const calls = Array.from({ length: 200 }, (_, i) => (i % 2 ? a : b))
      const seen = await Promise.all(calls.map((tenant) => tenant.query(all, {})))
      assert.deepEqual(
        seen,
        calls.map((tenant) => [{ body: `of ${tenant.slug}` }]),
      )
    })
  }

  it('rows: a context forged by injected SQL shows nothing of the other tenant', async () => {
    const [a, b] = tenants.rows as [Tenant, Tenant]
    const own = await a.transaction((db) =>
      db.execute<{ seal: string }>(sql`SELECT current_setting('app.tenant') AS seal`),
    )
    const seal = own.rows[0]?.seal ?? ''
    const forged = [b.id, `${b.id}${seal.slice(36)}`, `${b.id}.9999999999.${'0'.repeat(64)}`, '']
    for (const context of forged) {
      const seen = await a.transaction((db) =>
        db.execute(
          sql`SELECT set_config('app.tenant', ${context}, true), (SELECT count(*)::int FROM isolation_note) AS n`,
        ),
      )
      assert.equal(seen.rows[0]?.n, 0, `forged context ${context}`)
    }
  })

  it('rows: the same injection does leak once the seal is taken out of the policy', async () => {
    const [a, b] = tenants.rows as [Tenant, Tenant]
    const unseal = `CREATE OR REPLACE VIEW tenancy.context WITH (security_barrier) AS
      SELECT left(nullif(current_setting('app.tenant', true), ''), 36)::uuid AS tenant_id`
    await platform.asSuperuser(databases.pool, async (client) => {
      const { rows } = await client.query<{ sql: string }>(`SELECT pg_get_viewdef('tenancy.context') AS sql`)
      await client.query(unseal)
      try {
        const seen = await a.transaction((db) =>
          db.execute(
            sql`SELECT set_config('app.tenant', ${b.id}, true), (SELECT count(*)::int FROM isolation_note) AS n`,
          ),
        )
        assert.equal(seen.rows[0]?.n, 1)
      } finally {
        await client.query(
          `CREATE OR REPLACE VIEW tenancy.context WITH (security_barrier) AS ${rows[0]?.sql}`,
        )
      }
    })
  })

  it('rows: the app role without a context sees nothing', async () => {
    const { address, appPassword } = platform.stores
    const { default: pg } = await import('pg')
    const client = new pg.Client({
      ...address,
      user: 'surety_app',
      password: appPassword,
      database: databases.pool,
    })
    await client.connect()
    const { rows } = await client.query('SELECT count(*)::int AS n FROM isolation_note')
    await client.end()
    assert.equal(rows[0].n, 0)
  })

  it('database: a tenant role cannot connect to another tenant, the pool or the control database', async () => {
    const [a, b] = tenants.database as [Tenant, Tenant]
    const { default: pg } = await import('pg')
    const { keepSecret } = await import('../../data/secrets.ts')
    const { tenantPassword, tenantRole } = await import('./credentials.ts')
    const password = tenantPassword(keepSecret(platform.stores.secrets, 'tenant-roles'), a.id)
    for (const database of [b.slug, databases.pool, databases.control, databases.template, 'postgres']) {
      const client = new pg.Client({
        ...platform.stores.address,
        user: tenantRole(a.slug),
        password,
        database,
      })
      await assert.rejects(client.connect(), { code: '42501' }, database)
    }
  })
})
