import { sql } from 'drizzle-orm'
import type { AsMigrator } from '../../../data/migrator.ts'
import { databases } from '../../../data/roles.ts'
import type { SqlClient } from '../../../data/sql.ts'
import type { TenantDatabase } from '../../../data/statement.ts'
import { newId } from '../../../kernel/ids.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import type { TenancyApi, Tenant } from '../../tenancy/index.ts'

/** Undoes what the probe changed, and with it what was captured of it. */
class Undo extends Error {}

const PROBE = { kind: 'system', id: 'probe' } as const

/** LARA-11. */
export function auditDataChanges(asMigrator: AsMigrator, { canaries, tables }: TenancyApi): Measure {
  return measure({
    key: 'audit.data.changes',
    sources: ['LARA-11'],
    family: 'input',
    maps: { gdpr: ['5(2)', '32(1)(b)'], iso27001: ['A.8.15'] },
    timeout: 120_000,
    claim: {
      de: () =>
        'Jede Änderung an Kundendaten wird protokolliert: wer, wann, was stand vorher, was danach. Das tut die Datenbank selbst, in jeder Tabelle. Jeder Kunde sieht sein Protokoll und kein anderes.',
      en: () =>
        'Every change of customer data is recorded: who, when, what stood there before and after. The database itself does it, in every table. Each customer sees their own record and no other.',
    },
    async prove({ check, positiveControl }) {
      for (const { model, a, b } of await canaries.open()) {
        const database = model === 'rows' ? databases.pool : a.slug
        const look = <T>(work: (client: SqlClient) => Promise<T>) =>
          asMigrator('look at what captures changes', work, database)
        check(`${model}: tables without a whole capture`, [], await look(uncaptured))
        check(`${model}: tables that tenants write and nothing captures`, [], await look(forgotten))
        positiveControl(
          `${model}: the same look sees a table that was forgotten`,
          ['public.audit_probe'],
          await look(plantForgotten),
        )
        check(`${model}: a row made, changed and removed`, LIFE, await lifeOfRow(a))
        const { changed, captured } = await touchEverything(a, await tables())
        positiveControl(`${model}: rows of the canary that could be changed`, true, changed > 0)
        check(`${model}: entries for ${changed} changed rows in all tables`, changed, captured)
        check(`${model}: ways to change a row without an entry`, [], await evasions(a))
        positiveControl(`${model}: the other canary has a trail`, true, (await countOf(b, b)) > 0)
        check(`${model}: entries of the other canary that this one sees`, 0, await countOf(a, b))
      }
    },
  })
}

async function uncaptured(client: SqlClient): Promise<string[]> {
  const { rows } = await client.query<{ one: string }>(
    `SELECT name || ': ' || lack AS one FROM audit.captured_tables() WHERE lack <> '' ORDER BY 1`,
  )
  return rows.map(({ one }) => one)
}

async function forgotten(client: SqlClient): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p') AND has_table_privilege('surety_tenant', c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
       AND c.oid NOT IN (SELECT t.name FROM audit.captured_tables() t) ORDER BY 1`,
  )
  return rows.map(({ name }) => name)
}

async function plantForgotten(client: SqlClient): Promise<string[]> {
  await client.query('BEGIN')
  try {
    await client.query(
      'SET ROLE surety_owner; CREATE TABLE public.audit_probe (id int); GRANT INSERT ON public.audit_probe TO surety_tenant; RESET ROLE',
    )
    return await forgotten(client)
  } finally {
    await client.query('ROLLBACK')
  }
}

const LIFE = [
  ['system:probe', 'INSERT', null, 'one'],
  ['system:probe', 'UPDATE', 'one', 'two'],
  ['system:probe', 'DELETE', 'two', null],
]

async function lifeOfRow(tenant: Tenant): Promise<unknown> {
  const id = newId()
  return undone(tenant, async (db) => {
    await db.execute(sql`INSERT INTO tenancy.canary (id, marker) VALUES (${id}, 'one')`)
    await db.execute(sql`UPDATE tenancy.canary SET marker = 'two' WHERE id = ${id}`)
    await db.execute(sql`DELETE FROM tenancy.canary WHERE id = ${id}`)
    const { rows } =
      await db.execute(sql`SELECT who, act, before->>'marker' AS before, after->>'marker' AS after
      FROM audit.entry WHERE target = 'tenancy.canary' AND coalesce(after, before)->>'id' = ${id} ORDER BY at`)
    return rows.map((row) => [row.who, row.act, row.before, row.after])
  })
}

/** Writes every row of the canary as it is, in every table, and counts what was captured of that. */
async function touchEverything(
  tenant: Tenant,
  tables: readonly string[],
): Promise<{ changed: number; captured: number }> {
  let changed = 0
  let captured = 0
  for (const table of tables) {
    await undone(tenant, async (db) => {
      const before = await countEntries(db)
      const { rowCount } = await db.execute(sql.raw(`UPDATE ${table} SET tenant_id = tenant_id`))
      changed += rowCount ?? 0
      captured += (await countEntries(db)) - before
    })
  }
  return { changed, captured }
}

/** Entries about `other` that `tenant` sees. */
function countOf(tenant: Tenant, other: Tenant): Promise<number> {
  return undone(tenant, async (db) => {
    const { rows } = await db.execute(
      sql`SELECT count(*)::int AS n FROM audit.entry WHERE tenant_id = ${other.id}`,
    )
    return rows[0]?.n as number
  })
}

async function countEntries(db: TenantDatabase): Promise<number> {
  const { rows } = await db.execute(
    sql`SELECT count(*)::int AS n FROM audit.entry WHERE at > now() - interval '1 second'`,
  )
  return rows[0]?.n as number
}

const EVASIONS = [
  'SET LOCAL session_replication_role = replica',
  'ALTER TABLE tenancy.canary DISABLE TRIGGER ALL',
  'DROP TRIGGER audit_capture ON tenancy.canary',
  'DROP FUNCTION audit.capture() CASCADE',
  'TRUNCATE tenancy.canary',
  'DELETE FROM audit.entry',
  "UPDATE audit.entry SET actor = ''",
  'TRUNCATE audit.entry',
  "INSERT INTO audit.entry (tenant_id, actor, act, target) VALUES (gen_random_uuid(), '', 'INSERT', 'x')",
  "SELECT audit.record('DELETE', 'tenancy.canary', NULL)",
  // The seals of others, to act in their name.
  'SELECT actor FROM audit.entry',
]

/** What an injection may try first; each is undone. */
async function evasions(tenant: Tenant): Promise<string[]> {
  const worked: string[] = []
  for (const statement of EVASIONS) {
    const outcome = await undone(tenant, (db) => db.execute(sql.raw(statement))).then(
      () => 'done',
      () => 'refused',
    )
    if (outcome === 'done') worked.push(statement)
  }
  return worked
}

async function undone<T>(tenant: Tenant, work: (db: TenantDatabase) => Promise<T>): Promise<T> {
  let result: T | undefined
  try {
    await tenant.as(PROBE).transaction(async (db) => {
      result = await work(db)
      throw new Undo()
    })
  } catch (error) {
    if (!(error instanceof Undo)) throw error
  }
  return result as T
}
