import { sql } from 'drizzle-orm'
import type { TenantDatabase } from '../../../data/statement.ts'

/** A column as the database describes it. */
export interface Column {
  name: string
  /** As `format_type` says it: `text`, `timestamp with time zone`, `text[]`. */
  type: string
  isNullable: boolean
  /** Filled by the database when nothing is given. */
  hasDefault: boolean
  isGenerated: boolean
  /** Never exported: see `SECRET`. */
  isSecret: boolean
}

/** A table that holds the tenant's rows. */
export interface Table {
  /** Schema-qualified: `identity.person`. */
  name: string
  columns: Column[]
  /** Of the primary key, in order. */
  key: string[]
  /** Holds who is signed in and how, which a suspended tenant goes on writing: no business of another tenant. */
  isSignIn: boolean
}

/** Secrets by type or name, as the audit trail knows them: sealed columns, binary ones, hashes, tokens and passwords. */
const SECRET = `a.atttypid = 'bytea'::regtype OR format_type(a.atttypid, a.atttypmod) = 'vault.secret'
  OR a.attname ~ '(password|passwd|passphrase|secret|token|hash|credential|private|cipher|sealed|api_?key)'`

const TABLES = `
  SELECT n.nspname || '.' || c.relname AS name, c.oid::int8::text AS oid,
    (SELECT json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
        'isNullable', NOT a.attnotnull, 'hasDefault', a.atthasdef, 'isGenerated', a.attgenerated <> '',
        'isSecret', ${SECRET}) ORDER BY a.attnum)
      FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> 'tenant_id') AS columns,
    (SELECT json_agg(a.attname ORDER BY array_position(i.indkey::int2[], a.attnum))
      FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
      WHERE i.indrelid = c.oid AND i.indisprimary) AS key,
    NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = 'suspension') AS "isSignIn",
    (SELECT coalesce(json_agg(f.confrelid::int8::text), '[]') FROM pg_constraint f
      WHERE f.conrelid = c.oid AND f.contype = 'f' AND f.confrelid <> c.oid) AS parents
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_policy p ON p.polrelid = c.oid AND p.polname = 'tenant'
  WHERE c.relkind IN ('r', 'p') AND has_table_privilege(c.oid, 'SELECT')
  ORDER BY 1`

/** Every table of the tenant, of every module, a table after those that it refers to. */
export async function tablesOf(db: TenantDatabase): Promise<Table[]> {
  const { rows } = await db.execute<Table & { oid: string; parents: string[] } & Record<string, unknown>>(
    sql.raw(TABLES),
  )
  const ordered = new Set<(typeof rows)[number]>()
  const visit = (row: (typeof rows)[number]): void => {
    if (ordered.has(row)) return
    for (const parent of rows.filter(({ oid }) => row.parents.includes(oid))) visit(parent)
    ordered.add(row)
  }
  for (const row of rows) visit(row)
  return [...ordered].map(({ name, columns, key, isSignIn }) => ({ name, columns, key: key ?? [], isSignIn }))
}

/** What of a table is in an export. */
export const exported = ({ columns }: Table): Column[] => columns.filter(({ isSecret }) => !isSecret)

/** Whether another tenant can take the rows: not without the secrets that they consist of, and not who is signed in. */
export function isImportable({ columns, isSignIn }: Table): boolean {
  return (
    !isSignIn &&
    !columns.some(({ isSecret, isNullable, hasDefault }) => isSecret && !isNullable && !hasDefault)
  )
}

/** Schema and table, quoted. */
export function quoted(name: string): string {
  return name
    .split('.')
    .map((part) => `"${part.replaceAll('"', '""')}"`)
    .join('.')
}
