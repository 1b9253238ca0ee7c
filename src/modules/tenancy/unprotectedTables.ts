import { roles } from '../../data/roles.ts'
import type { SqlClient } from '../../data/sql.ts'

/**
 * Relations of a tenant store that the tenant role can read or change although no forced policy on `tenant_id` stands
 * before them. Empty in a whole store. Views count when they read with their owner's rights; a policy for the role that
 * backs up alone does not widen theirs.
 */
export async function unprotectedTables(client: SqlClient): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT c.oid::regclass::text AS name
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
       AND c.oid <> 'tenancy.context'::regclass
       AND (has_table_privilege($1, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER'))
       AND CASE
         WHEN c.relkind IN ('r', 'p') THEN NOT (c.relrowsecurity AND c.relforcerowsecurity)
           OR NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid
             AND pg_get_expr(p.polqual, p.polrelid) LIKE '%tenant_id%context%'
             AND pg_get_expr(p.polwithcheck, p.polrelid) LIKE '%tenant_id%context%')
           OR EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname <> 'tenant'
             AND NOT (p.polcmd = 'r' AND p.polroles = ARRAY[$2::regrole::oid]))
         WHEN c.relkind = 'v' THEN NOT coalesce('security_invoker=true' = ANY (c.reloptions), false)
         ELSE c.relkind IN ('m', 'f')
       END
     ORDER BY 1`,
    [roles.tenant, roles.backup],
  )
  return rows.map(({ name }) => name)
}

/** The tables of a tenant store that hold tenants' rows, schema-qualified; without the trail of their changes. */
export async function tenantTables(client: SqlClient): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
     WHERE c.relkind IN ('r', 'p') AND a.attname = 'tenant_id' AND NOT a.attisdropped AND n.nspname <> 'audit'
     ORDER BY 1`,
  )
  return rows.map(({ name }) => name)
}
