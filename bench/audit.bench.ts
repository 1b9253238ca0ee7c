import { eq, sql } from 'drizzle-orm'
import { integer, text, uuid } from 'drizzle-orm/pg-core'
import { z } from 'zod'
import { databases } from '../src/data/roles.ts'
import { defineModule, newId, statement, type Tenant, tenantTable } from '../src/index.ts'
import type { ModuleCommand } from '../src/kernel/commands.ts'
import { audit } from '../src/modules/audit/index.ts'
import { proof } from '../src/proof/index.ts'
import { type TestPlatform, testPlatform } from '../test/support/platform.ts'
import { compare, type Print, printFigures } from './compare.ts'

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

const insert = statement<{ id: string }>()('bench.insert', (db) =>
  db
    .insert(item)
    .values({ id: sql.placeholder('id'), list: 1, title: 'A title', body: 'x'.repeat(120) } as never),
)
const update = statement<{ id: string }>()('bench.update', (db) =>
  db
    .update(item)
    .set({ title: sql`title || '.'` })
    .where(eq(item.id, sql.placeholder('id'))),
)
const point = statement<{ id: string }>()('bench.point', (db) =>
  db
    .select({ title: item.title })
    .from(item)
    .where(eq(item.id, sql.placeholder('id'))),
)
const insertMany = statement<{ list: number }>()('bench.insertMany', (db) =>
  db.insert(item).select(
    sql`SELECT gen_random_uuid(), ${sql.placeholder('list')}::int, 'A title', repeat('x', 120), tenancy.current()
      FROM generate_series(1, 100)` as never,
  ),
)

const ROWS = 500
const SEALED = 60_000

/** Capture of changes against the same writes without it, and how fast entries are sealed. */
export async function run(print: Print): Promise<void> {
  const platform = await testPlatform([proof, audit, module])
  try {
    const [captured, bare] = [await platform.makeTenant('database'), await platform.makeTenant('database')]
    await platform.asSuperuser(bare.slug, (client) =>
      client.query('ALTER TABLE bench_item DISABLE TRIGGER audit_capture'),
    )
    for (const clients of [1, 8]) await writes(print, bare, captured, clients)
    await sealing(print, platform)
  } finally {
    await platform.stop()
  }
}

async function writes(print: Print, bare: Tenant, captured: Tenant, clients: number): Promise<void> {
  const actor = { kind: 'member', id: newId() } as const
  const contenders = async (make: (tenant: Tenant) => Promise<() => Promise<unknown>>) => ({
    'no capture': await make(bare),
    'captured, with its actor': await make(captured.as(actor)),
  })
  const inserts = await contenders(async (tenant) => () => tenant.query(insert, { id: newId() }))
  const updates = await contenders(async (tenant) => {
    const ids = Array.from({ length: ROWS }, newId)
    for (const id of ids) await tenant.query(insert, { id })
    return () => tenant.query(update, { id: ids[Math.floor(Math.random() * ROWS)] as string })
  })
  const reads = await contenders(async (tenant) => () => tenant.query(point, { id: actor.id }))
  const many = await contenders(async (tenant) => () => tenant.query(insertMany, { list: 2 }))
  const title = (what: string) => `${what}, ${clients} at a time`
  printFigures(print, title('insert of one row'), await compare(inserts, clients))
  printFigures(print, title('update of one row'), await compare(updates, clients))
  printFigures(print, title('insert of 100 rows'), await compare(many, clients))
  printFigures(print, title('read of one row (who acts travels along)'), await compare(reads, clients))
}

async function sealing(print: Print, platform: TestPlatform): Promise<void> {
  const { commands } = platform.gives('audit') as { commands: ModuleCommand[] }
  const take = (name: string) => commands.find((command) => command.name === name)?.run([], () => undefined)
  await take('audit:seal')
  const tenant = await platform.makeTenant('rows')
  for (let made = 0; made < SEALED; made += 100) await tenant.query(insertMany, { list: 3 })
  const rate = async (name: string) => {
    const began = performance.now()
    await take(name)
    return Math.round((SEALED / (performance.now() - began)) * 1000)
  }
  print(`\nsealing: ${await rate('audit:seal')} entries/s, of ${SEALED} in one store`)
  const { rows } = await platform.asSuperuser(databases.pool, (client) =>
    client.query(`SELECT sum(cardinality(ids)) AS entries, pg_total_relation_size('audit.entry') AS bytes,
      (SELECT count(*) FROM audit.entry) AS all FROM audit.seal`),
  )
  print(`comparing with the seals: ${await rate('audit:verify')} entries/s and more`)
  print(`an entry takes ${Math.round(rows[0].bytes / rows[0].all)} bytes with its indexes`)
}
