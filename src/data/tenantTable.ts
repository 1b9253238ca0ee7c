import { sql } from 'drizzle-orm'
import { type PgColumnBuilderBase, pgTable, uuid } from 'drizzle-orm/pg-core'

const tenantId = () => uuid('tenant_id').notNull().default(sql`tenancy.current()`)

/**
 * A table in every tenant's store, in both isolation models. Adds `tenant_id`, filled by the database from the sealed
 * context: application code never names it. Its SQL migration ends with `SELECT tenancy.protect('<name>')`, which
 * forces row-level security and refuses keys that do not lead with `tenant_id`.
 */
export function tenantTable<Name extends string, Columns extends Record<string, PgColumnBuilderBase>>(
  name: Name,
  columns: Columns,
) {
  return pgTable(name, { ...columns, tenantId: tenantId() })
}
