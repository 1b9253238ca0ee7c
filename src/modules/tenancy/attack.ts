import { sql } from 'drizzle-orm'
import { markerOf } from './canaries.ts'
import type { Tenant } from './tenant.ts'

/** What came of an attack, in words that a reviewer reads. */
export type AttackResult = 'refused' | 'nothing seen' | 'LEAK'

/** Undoes what an attack wrote. */
class Undo extends Error {}

/**
 * Runs `statement` as injected SQL in the context of `attacker`, on the application's own path, and undoes it. LEAK when
 * anything that identifies the victim's data comes back.
 */
export async function inject(attacker: Tenant, victim: Tenant, statement: string): Promise<AttackResult> {
  let seen: unknown[] = []
  try {
    await attacker.transaction(async (db) => {
      seen = (await db.execute(sql.raw(statement))).rows
      throw new Undo()
    })
  } catch (error) {
    if (!(error instanceof Undo)) return 'refused'
  }
  return JSON.stringify(seen).includes(markerOf(victim)) ? 'LEAK' : 'nothing seen'
}

/** Rows that `statement` changes in the context of `tenant`; undone. `null` when it was refused. */
export async function changedRows(tenant: Tenant, statement: string): Promise<number | null> {
  let changed = 0
  try {
    await tenant.transaction(async (db) => {
      changed = (await db.execute(sql.raw(statement))).rowCount ?? 0
      throw new Undo()
    })
  } catch (error) {
    if (!(error instanceof Undo)) return null
  }
  return changed
}

/** Every way we know to read another tenant's rows by SQL alone. `{A}`, `{B}`: ids of attacker and victim. */
const READS: readonly (readonly [string, string])[] = [
  ['a query without a condition', 'SELECT * FROM tenancy.canary'],
  ['a condition on the other tenant', `SELECT * FROM tenancy.canary WHERE tenant_id = '{B}'`],
  ['a UNION', `SELECT 'x' AS marker UNION SELECT marker FROM tenancy.canary`],
  [
    'a context with a bare tenant id',
    `SELECT set_config('app.tenant', '{B}', true), (SELECT json_agg(c) FROM tenancy.canary c)`,
  ],
  [
    "the own seal with the other tenant's id",
    `SELECT set_config('app.tenant', replace(current_setting('app.tenant'), '{A}', '{B}'), true), (SELECT json_agg(c) FROM tenancy.canary c)`,
  ],
  [
    'a seal made of zeros',
    `SELECT set_config('app.tenant', '{B}.9999999999.' || repeat('0', 64), true), (SELECT json_agg(c) FROM tenancy.canary c)`,
  ],
  [
    'a seal computed without the key',
    `SELECT set_config('app.tenant', '{B}.9999999999.' || encode(sha256('{B}.9999999999'::bytea), 'hex'), true), (SELECT json_agg(c) FROM tenancy.canary c)`,
  ],
  [
    'an empty context',
    `SELECT set_config('app.tenant', '', true), (SELECT json_agg(c) FROM tenancy.canary c)`,
  ],
  [
    'row_security off',
    `SELECT set_config('row_security', 'off', true), (SELECT json_agg(c) FROM tenancy.canary c)`,
  ],
  [
    'the owner role',
    `SELECT set_config('role', 'surety_owner', true), (SELECT json_agg(c) FROM tenancy.canary c)`,
  ],
  [
    'the migrator role',
    `SELECT set_config('role', 'surety_migrator', true), (SELECT json_agg(c) FROM tenancy.canary c)`,
  ],
  [
    'another session user',
    `SELECT set_config('session_authorization', 'postgres', true), (SELECT json_agg(c) FROM tenancy.canary c)`,
  ],
  ['the sealing key', "SELECT encode(key, 'hex') FROM tenancy.seal_key"],
  ['SQL inside XML functions', `SELECT query_to_xml('SELECT * FROM tenancy.canary', true, false, '')`],
  ['a dump by XML functions', `SELECT schema_to_xml('tenancy', true, false, '')`],
  ['a stacked second statement', `SELECT 1; SELECT * FROM tenancy.canary`],
  ['a subquery in another clause', 'SELECT 1 ORDER BY (SELECT marker FROM tenancy.canary LIMIT 1)'],
  ['column statistics', `SELECT * FROM pg_stats WHERE tablename = 'canary'`],
  [
    'the column statistics table',
    `SELECT stavalues1::text FROM pg_statistic WHERE starelid = 'tenancy.canary'::regclass`,
  ],
  ['queries of other sessions', 'SELECT query FROM pg_stat_activity'],
  ['prepared statements', 'SELECT * FROM pg_prepared_statements'],
  ['a COPY to the client', 'COPY tenancy.canary TO STDOUT'],
  ['a COPY to a program', `COPY tenancy.canary TO PROGRAM 'cat'`],
  ['a server file', `SELECT pg_read_file('PG_VERSION')`],
  ['a large object', `SELECT lo_import('/etc/hostname')`],
  ['a function of the own making', `CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'`],
  ['a temporary table in place of the real one', 'CREATE TEMP TABLE canary AS SELECT 1'],
  ['the database link extension', 'CREATE EXTENSION dblink'],
  ['the foreign data extension', 'CREATE EXTENSION postgres_fdw'],
  ['a cursor held past the transaction', 'DECLARE c CURSOR WITH HOLD FOR SELECT * FROM tenancy.canary'],
  ['locks of other sessions', 'SELECT * FROM pg_locks'],
  ['open cursors', 'SELECT * FROM pg_cursors'],
  ['row counts of the planner', `SELECT reltuples FROM pg_class WHERE relname = 'canary'`],
  ['the list of databases', 'SELECT * FROM pg_database'],
  ['the list of roles', 'SELECT * FROM pg_roles'],
  ['settings of roles and databases', 'SELECT * FROM pg_db_role_setting'],
  ['a lock shared with other sessions', 'SELECT pg_advisory_lock(1)'],
  ['a message to other sessions', `SELECT pg_notify('x', 'y')`],
  ['an exported snapshot', 'SELECT pg_export_snapshot()'],
  ['ending another session', 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity'],
  [
    'a lateral join',
    'SELECT o.* FROM tenancy.canary c RIGHT JOIN LATERAL (SELECT * FROM tenancy.canary) o ON true',
  ],
  ['a common table expression', 'WITH x AS MATERIALIZED (SELECT * FROM tenancy.canary) SELECT * FROM x'],
  ['rows returned by a write', 'UPDATE tenancy.canary SET marker = marker RETURNING *'],
  [
    'a condition with a side effect',
    `SELECT * FROM tenancy.canary WHERE set_config('app.leak', marker, true) <> ''`,
  ],
  ['an error that shows a value', 'SELECT marker::int FROM tenancy.canary'],
  ['the whole table as JSON', 'SELECT to_jsonb(c) FROM tenancy.canary c'],
  ['a view of the own making', 'CREATE VIEW public.v AS SELECT * FROM tenancy.canary'],
  ['an anonymous block', `DO $$ BEGIN PERFORM set_config('app.tenant', '{B}', false); END $$`],
]

/** Every way we know to change another tenant's rows by SQL alone. */
const WRITES: readonly (readonly [string, string])[] = [
  [
    'INSERT for the other tenant',
    `INSERT INTO tenancy.canary (tenant_id, id, marker) VALUES ('{B}', gen_random_uuid(), 'x')`,
  ],
  ['UPDATE of the other tenant', `UPDATE tenancy.canary SET marker = 'x' WHERE tenant_id = '{B}'`],
  ['UPDATE that moves a row to the other tenant', `UPDATE tenancy.canary SET tenant_id = '{B}'`],
  ['DELETE of the other tenant', `DELETE FROM tenancy.canary WHERE tenant_id = '{B}'`],
  [
    'INSERT with the other tenant’s key, updating on conflict',
    `INSERT INTO tenancy.canary (tenant_id, id, marker) VALUES ('{B}', '{B}', 'x') ON CONFLICT (tenant_id, id) DO UPDATE SET marker = 'x'`,
  ],
  [
    'INSERT with the other tenant’s key, silent on conflict',
    `INSERT INTO tenancy.canary (tenant_id, id, marker) VALUES ('{B}', '{B}', 'x') ON CONFLICT DO NOTHING`,
  ],
  [
    'MERGE over everything',
    `MERGE INTO tenancy.canary c USING (SELECT '{B}'::uuid AS id) s ON c.id = s.id WHEN MATCHED THEN UPDATE SET marker = 'x' WHEN NOT MATCHED THEN DO NOTHING`,
  ],
  [
    'UPDATE under a forged context',
    `WITH f AS (SELECT set_config('app.tenant', '{B}.9999999999.' || repeat('0', 64), true)) UPDATE tenancy.canary SET marker = 'x' FROM f WHERE tenant_id = '{B}'`,
  ],
  ['a lock on the other rows', `SELECT 1 FROM tenancy.canary WHERE tenant_id = '{B}' FOR UPDATE`],
  ['COPY into the table', "COPY tenancy.canary FROM '/dev/null'"],
  ['TRUNCATE', 'TRUNCATE tenancy.canary'],
  ['switching row security off', 'ALTER TABLE tenancy.canary DISABLE ROW LEVEL SECURITY'],
  ['dropping the policy', 'DROP POLICY tenant ON tenancy.canary'],
  [
    'a trigger of the own making',
    'CREATE TRIGGER t AFTER INSERT ON tenancy.canary EXECUTE FUNCTION tenancy.current()',
  ],
]

const filled = (list: typeof READS, a: Tenant, b: Tenant) =>
  list.map(([what, text]) => [what, text.replaceAll('{A}', a.id).replaceAll('{B}', b.id)] as const)

/** The read attacks of `a` on `b`, by name. */
export function readAttacks(a: Tenant, b: Tenant): readonly (readonly [string, string])[] {
  return filled(READS, a, b)
}

/** The write attacks of `a` on `b`, by name. */
export function writeAttacks(a: Tenant, b: Tenant): readonly (readonly [string, string])[] {
  return filled(WRITES, a, b)
}
