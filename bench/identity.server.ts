// One contender of identity.bench.ts or traces.bench.ts in a process of its own:
// `node identity.server.ts surety|logged|traced|bare|better-auth`.

import { betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import { asc, eq, sql } from 'drizzle-orm'
import { integer, text, uuid } from 'drizzle-orm/pg-core'
import Fastify, { type FastifyPluginAsync } from 'fastify'
import pg from 'pg'
import { z } from 'zod'
import { databases } from '../src/data/roles.ts'
import { parseDatabaseUrl } from '../src/data/sql.ts'
import { defineModule, newId, statement, tenantTable } from '../src/index.ts'
import type { Module } from '../src/kernel/module.ts'
import type { SettingsLayer } from '../src/kernel/settings.ts'
import { browser } from '../src/modules/browser/index.ts'
import { type EdgeApi, edge } from '../src/modules/edge/index.ts'
import { type IdentityApi, tenantRealm } from '../src/modules/identity/index.ts'
import { limits } from '../src/modules/limits/index.ts'
import { telemetry } from '../src/modules/telemetry/index.ts'
import { testPlatform } from '../test/support/platform.ts'
import { testPostgresUrl } from '../test/support/servers.ts'

type AnyModule = Module<any, any, any>

/** What the clients of a contender send. */
export interface Contender {
  /** `https://127.0.0.1:<port>`; `host` is what the request and the handshake name. */
  port: number
  host: string
  id: string
  headers: Record<string, string>
  /** What the others need: who they are to Postgres, and the certificate. */
  shared?: Shared
}

interface Shared {
  postgres: pg.PoolConfig
  key: string
  cert: string
  id: string
  host: string
}

const PATH = '/api/v1/items'
export const PASSWORD = 'a long enough sentence'
export const EMAIL = 'mia@example.org'
const POINT = {
  name: 'point',
  text: 'SELECT id, title, body FROM bare_item WHERE tenant_id = $1 AND id = $2',
}
const LIST = {
  name: 'list',
  text: 'SELECT id, title, body FROM bare_item WHERE tenant_id = $1 AND list = $2 ORDER BY id LIMIT 50',
}

const item = tenantTable('bench_item', {
  id: uuid().notNull(),
  list: integer().notNull(),
  title: text().notNull(),
  body: text().notNull(),
})
const shown = { id: item.id, title: item.title, body: item.body }
const point = statement<{ id: string }>()('bench.item', (db) =>
  db
    .select(shown)
    .from(item)
    .where(eq(item.id, sql.placeholder('id'))),
)
const list = statement<{ list: number }>()('bench.page', (db) =>
  db
    .select(shown)
    .from(item)
    .where(eq(item.list, sql.placeholder('list')))
    .orderBy(asc(item.id))
    .limit(50),
)
const Asked = z.union([z.object({ id: z.uuid() }), z.object({ list: z.number() })])
const plugin: FastifyPluginAsync = async (app) => {
  const config = { permission: 'content.read' }
  app.post(PATH, { config, schema: { body: Asked } }, async ({ tenant, body }) => {
    const asked = Asked.parse(body)
    return 'id' in asked ? tenant.query(point, asked) : tenant.query(list, asked)
  })
}
const bench = defineModule({
  name: 'bench',
  needs: {},
  settings: z.object({}),
  migrations: { tenant: new URL('./migrations/', import.meta.url) },
  start: async () => ({ api: null, routes: [{ audience: 'tenant' as const, plugin }] }),
})

const MOST = 10_000_000

/** The whole platform, as it serves, with budgets that a benchmark does not spend. */
async function surety(more: readonly AnyModule[] = [], layer: SettingsLayer = {}): Promise<Contender> {
  const own = {
    limits: { perAddress: MOST, perTenant: MOST, attemptsPerAddress: MOST, attemptsPerAccount: MOST },
    identity: { legacyBcryptCost: 0, hashesWaiting: 1_000 },
  }
  const platform = await testPlatform([limits, edge, browser, bench, ...more], { ...own, ...layer })
  await platform.serve()
  const tenant = await platform.makeTenant('rows')
  const { people } = platform.api('identity') as IdentityApi
  const person = { email: EMAIL, name: 'Mia', role: 'editor', password: PASSWORD }
  await people.add(tenantRealm(tenant), person)
  const doors = platform.api('edge') as EdgeApi
  const host = tenant.hosts[0] as string
  const signedIn = await doors.request({
    host,
    method: 'POST',
    path: '/api/v1/auth/sign-in',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: EMAIL, password: PASSWORD }),
  })
  const cookies = (lines: unknown) => [lines ?? []].flat().map((line) => String(line).split(';')[0] as string)
  const session = cookies(signedIn.headers['set-cookie'])
  const cookie = session.join('; ')
  const me = await doors.request({ host, path: '/api/v1/auth/me', headers: { cookie } })
  const [csrf = ''] = cookies(me.headers['set-cookie'])
  const ids = Array.from({ length: 50 }, newId)
  await tenant.transaction(async (db) => {
    for (const id of ids)
      await db.execute(
        sql`INSERT INTO bench_item (id, list, title, body) VALUES (${id}, 1, 'Title', ${'x'.repeat(120)})`,
      )
  })
  const { address, appPassword } = platform.stores
  await platform.asSuperuser(databases.pool, async (client) => {
    await client.query('DROP TABLE IF EXISTS bare_item')
    await client.query('CREATE TABLE bare_item AS SELECT * FROM bench_item')
    await client.query('ALTER TABLE bare_item ADD PRIMARY KEY (tenant_id, id)')
    await client.query('CREATE INDEX ON bare_item (tenant_id, list, id)')
    await client.query('GRANT SELECT ON bare_item TO surety_app')
  })
  const certificate = await (await doors.openCertificates())(host)
  return {
    port: doors.port,
    host,
    id: ids[0] as string,
    headers: {
      cookie: `${cookie}; ${csrf}`,
      'x-csrf-token': csrf.slice(csrf.indexOf('=') + 1),
      'sec-fetch-site': 'same-origin',
    },
    shared: {
      postgres: { ...address, user: 'surety_app', password: appPassword, database: databases.pool, max: 16 },
      ...certificate,
      id: tenant.id,
      host,
    },
  }
}

/** Fastify and the driver, and what `check` adds. */
async function open(shared: Shared, check?: (headers: Headers) => Promise<unknown>): Promise<number> {
  const pool = new pg.Pool(shared.postgres)
  const app = Fastify({ https: { key: shared.key, cert: shared.cert } })
  app.post(PATH, async (request, reply) => {
    if (check && !(await check(new Headers(request.headers as Record<string, string>))))
      return reply.code(401).send()
    const { id, list } = request.body as { id?: string; list?: number }
    const query = id ? { ...POINT, values: [shared.id, id] } : { ...LIST, values: [shared.id, list] }
    return (await pool.query(query)).rows
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  return (app.server.address() as { port: number }).port
}

/** Better Auth as its documentation sets it up with Postgres; the session is looked up for each request. */
async function better(shared: Shared): Promise<Omit<Contender, 'id'>> {
  const superuser = parseDatabaseUrl(testPostgresUrl())
  const admin = new pg.Client({ ...superuser, database: 'postgres' })
  await admin.connect()
  await admin.query('DROP DATABASE IF EXISTS better_auth')
  await admin.query('CREATE DATABASE better_auth')
  await admin.end()
  const options = {
    database: new pg.Pool({ ...superuser, database: 'better_auth', max: 16 }),
    baseURL: 'https://127.0.0.1',
    secret: newId() + newId(),
    emailAndPassword: { enabled: true },
    telemetry: { enabled: false },
    logger: { disabled: true },
  }
  await (await getMigrations(options)).runMigrations()
  const auth = betterAuth(options)
  const body = { email: EMAIL, name: 'Mia', password: PASSWORD }
  const { headers } = await auth.api.signUpEmail({ body, asResponse: true })
  const cookie = headers.getSetCookie().map((line) => line.split(';')[0])
  const port = await open(shared, (headers) => auth.api.getSession({ headers }))
  return { port, host: shared.host, headers: { cookie: cookie.join('; ') } }
}

const [kind, given] = process.argv.slice(2)
const shared = () => JSON.parse(given ?? '') as Shared
const kinds: Record<string, () => Promise<Omit<Contender, 'id'>>> = {
  surety: () => surety(),
  logged: () => surety([telemetry]),
  traced: () => surety([telemetry], JSON.parse(given ?? '') as SettingsLayer),
  bare: async () => ({ port: await open(shared()), host: shared().host, headers: {} }),
  'better-auth': () => better(shared()),
}
process.send?.(await kinds[kind ?? '']?.())
// Milliseconds of CPU that this process used.
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.((user + system) / 1000)
})
process.on('disconnect', () => process.exit())
