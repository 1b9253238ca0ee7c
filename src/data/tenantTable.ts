import { sql } from 'drizzle-orm'
import { type PgColumnBuilderBase, pgSchema, pgTable, uuid } from 'drizzle-orm/pg-core'
import { declareSecrets } from './secretColumn.ts'

const tenantId = () => uuid('tenant_id').notNull().default(sql`tenancy.current()`)

/**
 * A table in every tenant's store, in both isolation models; `name` may carry a schema (`push.credential`). Adds
 * `tenant_id`, filled by the database from the sealed context: application code never names it. Its SQL migration ends
 * with `SELECT tenancy.protect('<name>')`, which forces row-level security and refuses keys that do not lead with
 * `tenant_id`.
 */
export function tenantTable<Name extends string, Columns extends Record<string, PgColumnBuilderBase>>(
  name: Name,
  columns: Columns,
) {
  const all = { ...columns, tenantId: tenantId() }
  const [schema, inSchema] = name.split('.') as [string, string | undefined]
  const table = inSchema ? pgSchema(schema).table(inSchema as Name, all) : pgTable(name, all)
  declareSecrets(table)
  return table
}
