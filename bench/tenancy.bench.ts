import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { and, asc, eq, sql } from 'drizzle-orm'
import { integer, text, uuid } from 'drizzle-orm/pg-core'
import pg from 'pg'
import { z } from 'zod'
import { platformModules } from '../src/cli/platform.ts'
import { collectMigrations } from '../src/cli/prepare.ts'
import { migrate } from '../src/data/migrate.ts'
import { databases } from '../src/data/roles.ts'
import { parseDatabaseUrl } from '../src/data/sql.ts'
import { defineModule, newId, statement, type Tenant, tenantTable } from '../src/index.ts'
import { orderModules } from '../src/kernel/module.ts'
import { type TestPlatform, testPlatform } from '../test/support/platform.ts'
import { compare, type Print, printFigures, timeEach } from './compare.ts'

const item = tenantTable('bench_item', {
  id: uuid().notNull(),
  list: integer().notNull(),
  title: text().notNull(),
  body: text().notNull(),
})
const module = defineModule({
  name: 'bench',
  needs: {},
  settings: z.object({}),
  migrations: { tenant: new URL('./migrations/', import.meta.url) },
  start: async () => ({ api: null }),
})

const shown = { id: item.id, title: item.title, body: item.body }
const point = statement<{ id: string }>()('bench.point', (db) =>
  db
    .select(shown)
    .from(item)
    .where(eq(item.id, sql.placeholder('id'))),
)
const list = statement<{ list: number }>()('bench.list', (db) =>
  db
    .select(shown)
    .from(item)
    .where(and(eq(item.list, sql.placeholder('list'))))
    .orderBy(asc(item.id))
    .limit(50),
)
const RAW_POINT = 'SELECT id, title, body FROM raw_item WHERE tenant_id = $1 AND id = $2'
const RAW_LIST =
  'SELECT id, title, body FROM raw_item WHERE tenant_id = $1 AND list = $2 ORDER BY id LIMIT 50'

const ROWS = 2_000
const LISTS = ROWS / 50

interface Filled {
  tenant: Tenant
  ids: string[]
}

/** Tenant queries against the bare driver, provisioning against migrations, and a thousand databases on one server. */
export async function run(print: Print, args: readonly string[]): Promise<void> {
  const platform = await testPlatform([module])
  let rows: Filled
  let own: Filled
  try {
    rows = await fill(await platform.makeTenant('rows'))
    own = await fill(await platform.makeTenant('database'))
    await makeRawTable(platform)
    await queries(print, platform, rows, own, 'on a UNIX socket', [1, 16])
    await provisioning(print, platform)
    if (args.includes('--databases')) await manyDatabases(print, platform, 1_000)
  } finally {
    await platform.stop()
  }
  await overANetwork(print, rows, own)
}

async function fill(tenant: Tenant): Promise<Filled> {
  const ids = Array.from({ length: ROWS }, newId)
  await tenant.transaction(async (db) => {
    for (let from = 0; from < ROWS; from += 500)
      await db.insert(item).values(
        ids.slice(from, from + 500).map((id, i) => ({
          id,
          list: Math.floor((from + i) / 50),
          title: `Title ${from + i}`,
          body: 'x'.repeat(120),
        })),
      )
  })
  return { tenant, ids }
}

/** The same rows without any wall, in the pool. */
async function makeRawTable(platform: TestPlatform): Promise<void> {
  await platform.asSuperuser(databases.pool, async (client) => {
    await client.query('CREATE TABLE raw_item AS SELECT * FROM bench_item')
    await client.query('ALTER TABLE raw_item ADD PRIMARY KEY (tenant_id, id)')
    await client.query('CREATE INDEX ON raw_item (tenant_id, list, id)')
    await client.query('GRANT SELECT ON raw_item TO surety_app')
    await client.query('ANALYZE')
  })
}

function openRaw(platform: TestPlatform): pg.Pool {
  const { address, appPassword } = platform.stores
  return new pg.Pool({
    ...address,
    user: 'surety_app',
    password: appPassword,
    database: databases.pool,
    max: 16,
  })
}

async function queries(
  print: Print,
  platform: TestPlatform,
  rows: Filled,
  own: Filled,
  where: string,
  clients: readonly number[],
): Promise<void> {
  const raw = openRaw(platform)
  const any = <T>(values: readonly T[]): T => values[Math.floor(Math.random() * values.length)] as T
  const anyList = () => Math.floor(Math.random() * LISTS)
  const { id } = rows.tenant
  const points = {
    'raw pg': () => raw.query({ name: 'p', text: RAW_POINT, values: [id, any(rows.ids)] }),
    'sealed rows': () => rows.tenant.query(point, { id: any(rows.ids) }),
    database: () => own.tenant.query(point, { id: any(own.ids) }),
  }
  const lists = {
    'raw pg': () => raw.query({ name: 'l', text: RAW_LIST, values: [id, anyList()] }),
    'sealed rows': () => rows.tenant.query(list, { list: anyList() }),
    database: () => own.tenant.query(list, { list: anyList() }),
  }
  const three = ({ tenant, ids }: Filled) =>
    tenant.transaction(async (_db, run) => {
      for (let i = 0; i < 3; i++) await run(point, { id: any(ids) })
    })
  const threeBuilt = ({ tenant, ids }: Filled) =>
    tenant.transaction(async (db) => {
      for (let i = 0; i < 3; i++)
        await db
          .select(shown)
          .from(item)
          .where(eq(item.id, any(ids)))
    })
  const transactions = {
    'raw pg, BEGIN, 3 queries, COMMIT': async () => {
      const client = await raw.connect()
      await client.query('BEGIN')
      for (let i = 0; i < 3; i++)
        await client.query({ name: 'p', text: RAW_POINT, values: [id, any(rows.ids)] })
      await client.query('COMMIT')
      client.release()
    },
    'sealed rows, 3 statements': () => three(rows),
    'database, 3 statements': () => three(own),
    'sealed rows, 3 built by Drizzle': () => threeBuilt(rows),
  }
  try {
    for (const n of clients) {
      const by = `${n} client${n > 1 ? 's' : ''}, ${where}`
      printFigures(print, `Point select, ${by}`, await compare(points, n))
      printFigures(print, `50-row list, ${by}`, await compare(lists, n))
      printFigures(print, `Transaction, ${by}`, await compare(transactions, n))
    }
  } finally {
    await raw.end()
  }
}

async function overANetwork(print: Print, rows: Filled, own: Filled): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'relay-'))
  const { host, port } = parseDatabaseUrl(process.env.SURETY_TEST_POSTGRES_URL as string)
  const target = `${host}/.s.PGSQL.${port}`
  const relay = fork(new URL('./relay.ts', import.meta.url), [folder, target])
  await once(relay, 'message')
  const platform = await testPlatform([module], { stores: { host: folder, port: 5432 } })
  try {
    const far = async ({ tenant, ids }: Filled) => ({
      tenant: await platform.tenancy.bySlug(tenant.slug),
      ids,
    })
    await queries(print, platform, await far(rows), await far(own), 'at 2 ms round trip', [1, 16])
  } finally {
    await platform.stop()
    relay.disconnect()
    await rm(folder, { recursive: true, force: true })
  }
}

async function provisioning(print: Print, platform: TestPlatform): Promise<void> {
  const { asMigrator } = platform.stores
  const migrations = await collectMigrations(orderModules([...platformModules, module]), 'tenant')
  const byMigrations = await timeEach(10, async (i) => {
    await platform.asSuperuser('postgres', (client) =>
      client.query(`CREATE DATABASE bench_${i} OWNER surety_owner`),
    )
    await platform.asSuperuser(`bench_${i}`, (client) =>
      client.query(
        'CREATE SCHEMA crypto; CREATE EXTENSION pgcrypto SCHEMA crypto; GRANT USAGE ON SCHEMA crypto TO surety_owner; GRANT CONNECT, CREATE ON DATABASE bench_' +
          i +
          ' TO surety_migrator',
      ),
    )
    await asMigrator('bench', (client) => migrate(client, migrations), `bench_${i}`)
  })
  const make = (model: 'rows' | 'database') => () => platform.makeTenant(model)
  const cold = await timeEach(10, make('database'))
  await platform.tenancy.keepSpares(10)
  const warm = await timeEach(10, make('database'))
  const pooled = await timeEach(10, make('rows'))
  print('\nA new tenant, median of 10 (ms)')
  const base = median(byMigrations)
  for (const [name, times] of [
    ['a database and all migrations', byMigrations],
    ['database, from the template', cold],
    ['database, from a warm spare', warm],
    ['rows', pooled],
  ] as const)
    print(
      `  ${name.padEnd(34)}${median(times).toFixed(2).padStart(9)}${(median(times) / base).toFixed(3).padStart(9)}x`,
    )
}

async function manyDatabases(print: Print, platform: TestPlatform, count: number): Promise<void> {
  const tenants: Tenant[] = []
  const made = performance.now()
  for (let i = 0; i < count; i++) tenants.push(await platform.makeTenant('database'))
  const making = (performance.now() - made) / count
  const { heapUsed: before } = process.memoryUsage()
  const peak = { connections: 0 }
  const visit = async (tenant: Tenant) => {
    await tenant.query(point, { id: newId() })
    peak.connections = Math.max(peak.connections, platform.stores.tenants.stats().open)
  }
  const cold = await timeEach(count, (i) => visit(tenants[i] as Tenant))
  const again = await timeEach(count, (i) => visit(tenants[(i * 7) % count] as Tenant))
  const hot = await timeEach(count, (i) => visit(tenants[i % 40] as Tenant))
  print(`\n${count} tenant databases on one server`)
  print(`  made in ${making.toFixed(1)} ms each`)
  for (const [name, times] of [
    ['first visit', cold],
    ['any of them', again],
    ['40 busy ones', hot],
  ] as const)
    print(
      `  ${name.padEnd(20)} p50 ${median(times).toFixed(2)} ms  p99 ${times[Math.floor(times.length * 0.99)]?.toFixed(2)} ms`,
    )
  print(
    `  most connections open: ${peak.connections}; heap grew by ${((process.memoryUsage().heapUsed - before) / 1e6).toFixed(1)} MB`,
  )
}

const median = (sorted: readonly number[]): number => sorted[Math.floor(sorted.length / 2)] as number
