import { sql } from 'drizzle-orm'
import { databaseProblem } from '../../data/errors.ts'
import type { Tenant } from '../tenancy/index.ts'

const CHANGE = `INSERT INTO tenancy.canary (id, marker) VALUES (gen_random_uuid(), 'late')`

/** Every way we know to write by SQL although the tenant is suspended: statements of one transaction, the last one writes. */
export const WRITE_ATTACKS: readonly (readonly [what: string, ...statements: string[]])[] = [
  ['a plain INSERT', CHANGE],
  ['a plain UPDATE', `UPDATE tenancy.canary SET marker = 'late'`],
  ['a plain DELETE', 'DELETE FROM tenancy.canary'],
  ['the setting transaction_read_only', 'SET transaction_read_only = off', CHANGE],
  ['SET TRANSACTION READ WRITE', 'SET TRANSACTION READ WRITE', CHANGE],
  ['a transaction of its own', 'COMMIT', 'BEGIN READ WRITE', CHANGE],
  ['switching triggers off for the session', 'SET session_replication_role = replica', CHANGE],
  ['switching the trigger off', 'ALTER TABLE tenancy.canary DISABLE TRIGGER ALL', CHANGE],
  ['dropping the trigger', 'DROP TRIGGER suspension ON tenancy.canary', CHANGE],
  ['taking the tenant from the list', 'DELETE FROM tenancy.suspended', CHANGE],
  [
    'a context that comes back after the check',
    `SELECT set_config('app.kept', current_setting('app.tenant', true), true), set_config('app.tenant', '', true)`,
    `WITH back AS MATERIALIZED (SELECT set_config('app.tenant', current_setting('app.kept', true), true))
     UPDATE tenancy.canary SET marker = 'late' FROM back`,
  ],
  ['a COPY', `COPY tenancy.canary (id, marker) FROM '/dev/null'`],
  [
    'a MERGE',
    `MERGE INTO tenancy.canary c USING (SELECT 1) s ON true WHEN MATCHED THEN UPDATE SET marker = 'late'`,
  ],
]

/** Runs one of them as injected SQL on the application's own path: the SQLSTATE or code that refused it, or `written`. */
export async function attackByWriting(tenant: Tenant, statements: readonly string[]): Promise<string> {
  try {
    await tenant.transaction(async (db) => {
      for (const statement of statements) await db.execute(sql.raw(statement))
    })
    return 'written'
  } catch (error) {
    const { code } = databaseProblem(error) as { code?: string }
    if (!code) throw error
    return 'refused'
  }
}

/** What stands in the canary table, to be compared. */
export async function contentOf(tenant: Tenant): Promise<unknown[]> {
  const { rows } = await tenant.transaction((db) =>
    db.execute(sql`SELECT id, marker FROM tenancy.canary ORDER BY id`),
  )
  return rows
}
