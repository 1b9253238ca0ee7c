import { createHash } from 'node:crypto'
import { quoteName, type SqlClient } from '../../data/sql.ts'

/** What a tenant's tables hold, in figures that a restored copy must reproduce. */
export interface TableContent {
  /** Schema-qualified. */
  name: string
  rows: number
  /** Sum of the 64-bit hashes of all rows, as decimal text: the same for the same rows in any order. */
  hash: string
}

/**
 * Schemas that are the server's own, hold nothing but an extension, or hold the audit trail: a restore must not change
 * what happened, and nobody but the superuser could write it.
 */
const FOREIGN_SCHEMAS = `n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'crypto', 'audit')`

/** Tables that say whose store it is: they differ between the isolation models and are made anew at a restore. */
const IDENTITY = `('tenancy.home', 'tenancy.seal_key')`

/** How values and names are written before they are hashed; without it a session's own settings would show. */
export const STABLE_OUTPUT = `SET LOCAL search_path = pg_catalog; SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL IntervalStyle = 'iso_8601'; SET LOCAL TimeZone = 'UTC';
  SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'; SET LOCAL statement_timeout = 0;
  SET LOCAL idle_in_transaction_session_timeout = 0`

/** What a store is made of. */
export interface StoreShape {
  /** SHA-256 over columns, keys, indexes, policies and triggers of the tables. */
  schema: string
  /** Applied migrations, by name. */
  migrations: { name: string; sha256: string }[]
}

/** Describes the store that `client` is connected to, in a transaction. */
export async function describeShape(client: SqlClient): Promise<StoreShape> {
  await client.query(STABLE_OUTPUT)
  return { schema: await describeSchema(client), migrations: await appliedMigrations(client) }
}

/**
 * Counts and hashes every row that the transaction of `client` can see. The tenant's id does not take part, so that a
 * copy under another id can be compared.
 */
export async function describeContent(client: SqlClient): Promise<TableContent[]> {
  await client.query(STABLE_OUTPUT)
  const tables = await tenantColumns(client)
  const contents: TableContent[] = []
  for (const { name, columns } of tables) {
    const { rows } = await client.query<{ rows: number; hash: string }>(
      `SELECT count(*)::int AS rows, ${contentHash(columns)} AS hash FROM ${name}`,
    )
    contents.push({ name, ...(rows[0] as { rows: number; hash: string }) })
  }
  return contents
}

/** SQL for the hash of all rows, under STABLE_OUTPUT. */
export function contentHash(columns: string): string {
  return `coalesce(sum(hashtextextended(ROW(${columns})::text, 0)::numeric), 0)::text`
}

/** Tables with tenants' rows, and their columns but the tenant's id, by name, quoted. */
export async function tenantColumns(client: SqlClient): Promise<{ name: string; columns: string }[]> {
  const { rows } = await client.query<{ name: string; columns: string[] }>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name,
       array_agg(a.attname::text ORDER BY a.attname) FILTER (WHERE a.attname <> 'tenant_id') AS columns
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     WHERE c.relkind = 'r' AND ${FOREIGN_SCHEMAS}
     GROUP BY n.nspname, c.relname HAVING bool_or(a.attname = 'tenant_id')
     ORDER BY 1`,
  )
  return rows.map(({ name, columns }) => ({ name, columns: (columns ?? []).map(quoteName).join(', ') }))
}

async function describeSchema(client: SqlClient): Promise<string> {
  const { rows } = await client.query<{ line: string }>(
    `WITH t AS (
       SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name, c.relrowsecurity, c.relforcerowsecurity
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relkind IN ('r', 'p') AND ${FOREIGN_SCHEMAS}
         AND format('%I.%I', n.nspname, c.relname) NOT IN ${IDENTITY})
     SELECT format('%s wall %s %s', name, relrowsecurity, relforcerowsecurity) AS line FROM t
     UNION ALL SELECT format('%s column %s %s %s %s', name, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
         pg_get_expr(d.adbin, d.adrelid))
       FROM t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
       LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     UNION ALL SELECT format('%s %s %s', name, conname, pg_get_constraintdef(k.oid)) FROM t JOIN pg_constraint k ON conrelid = t.oid
     UNION ALL SELECT format('%s %s', name, pg_get_indexdef(indexrelid)) FROM t JOIN pg_index ON indrelid = t.oid
     UNION ALL SELECT format('%s %s %s %s', name, polname, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))
       FROM t JOIN pg_policy ON polrelid = t.oid
     UNION ALL SELECT format('%s %s', name, pg_get_triggerdef(g.oid)) FROM t JOIN pg_trigger g ON tgrelid = t.oid AND NOT tgisinternal AND tgname !~ '^audit_'`,
  )
  const lines = rows.map(({ line }) => line).sort()
  return createHash('sha256').update(lines.join('\n')).digest('hex')
}

async function appliedMigrations(client: SqlClient): Promise<StoreShape['migrations']> {
  const { rows } = await client.query<{ name: string; sha256: string }>(
    'SELECT name, sha256 FROM surety.migration ORDER BY name',
  )
  return rows
}

/** Tables with tenants' rows, schema-qualified. */
export async function tenantTables(client: SqlClient): Promise<string[]> {
  return (await tenantColumns(client)).map(({ name }) => name)
}

/** Schemas to dump. */
export async function ownSchemas(client: SqlClient): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT n.nspname::text AS name FROM pg_namespace n WHERE ${FOREIGN_SCHEMAS} ORDER BY 1`,
  )
  return rows.map(({ name }) => name)
}
