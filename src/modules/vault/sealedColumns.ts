import type { AsMigrator } from '../../data/migrator.ts'
import { databases } from '../../data/roles.ts'
import { quoteName, type SqlClient } from '../../data/sql.ts'

/** A tenant store and the tenants whose rows are in it. */
export interface Store {
  database: string
  tenantIds: readonly string[]
}

/** How many secrets of a column are sealed under which version. */
export interface SealedCount {
  field: string
  version: number
  count: number
}

/** The stores that hold rows of `tenants`, each once. */
export function storesOf(tenants: readonly { id: string; slug: string; model: string }[]): Store[] {
  const stores = new Map<string, string[]>()
  for (const { id, slug, model } of tenants) {
    const database = model === 'rows' ? databases.pool : slug
    stores.set(database, [...(stores.get(database) ?? []), id])
  }
  return [...stores].map(([database, tenantIds]) => ({ database, tenantIds }))
}

/** Counts what is sealed in a store, by column and version. */
export function countSealed(asMigrator: AsMigrator, { database }: Store): Promise<SealedCount[]> {
  return asMigrator(
    'count sealed secrets',
    async (client) => {
      const counts: SealedCount[] = []
      for (const { schema, table, column } of await sealedColumns(client)) {
        const name = quoteName(column)
        const { rows } = await client.query<{ version: number; count: number }>(
          `SELECT substring(${name} FROM '^v([0-9]+):')::int AS version, count(*)::int AS count
           FROM ${quoteName(schema)}.${quoteName(table)} WHERE ${name} IS NOT NULL GROUP BY 1 ORDER BY 1`,
        )
        counts.push(...rows.map((row) => ({ field: `${schema}.${table}.${column}`, ...row })))
      }
      return counts
    },
    database,
  )
}

/**
 * Looks at every value of the sealed columns of a store's tenants: how many columns there are, and how many values have
 * another form than `v{N}:iv:tag:ct` with `iv` bytes. `planted` says how many of one such value the look sees.
 */
export function findBadForms(
  asMigrator: AsMigrator,
  { database, tenantIds }: Store,
  iv: number,
): Promise<{ fields: number; bad: number; planted: number }> {
  const form = `^v([1-9]|1[0-6]):[A-Za-z0-9_-]{${(iv / 3) * 4}}:[A-Za-z0-9_-]{22}:[A-Za-z0-9_-]*$`
  return asMigrator(
    'look at the form of sealed secrets',
    async (client) => {
      const count = async (source: string) => {
        const { rows } = await client.query<{ bad: number }>(
          `SELECT count(*)::int AS bad FROM (${source}) s (tenant_id, value)
           WHERE value !~ $1 AND tenant_id = ANY ($2)`,
          [form, tenantIds],
        )
        return rows[0]?.bad ?? 0
      }
      const columns = await sealedColumns(client)
      let bad = 0
      for (const { schema, table, column } of columns)
        bad += await count(
          `SELECT tenant_id, ${quoteName(column)}::text FROM ${quoteName(schema)}.${quoteName(table)}`,
        )
      const planted = await count(`VALUES (($2::uuid[])[1], 'secret')`)
      return { fields: columns.length, bad, planted }
    },
    database,
  )
}

/** A column that takes sealed secrets alone. */
export interface Column {
  schema: string
  table: string
  column: string
}

export const nameOf = ({ schema, table, column }: Column): string => `${schema}.${table}.${column}`

/** The sealed columns of the database that `client` is connected to. */
export async function sealedColumns(client: SqlClient): Promise<Column[]> {
  const { rows } = await client.query<Column>(
    `SELECT n.nspname AS schema, c.relname AS table, a.attname AS column
     FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE a.atttypid = to_regtype('vault.secret') AND c.relkind IN ('r', 'p') AND NOT a.attisdropped
     ORDER BY 1, 2, a.attnum`,
  )
  return rows
}
