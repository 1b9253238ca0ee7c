import type pg from 'pg'
import { roles } from './roles.ts'

/** Built-in functions that reach past one tenant: other sessions and transactions, sizes, large objects, role names. */
const REACHING_FUNCTIONS = `
  SELECT p.oid::regprocedure::text AS name
  FROM pg_proc p
  WHERE p.pronamespace = 'pg_catalog'::regnamespace
    AND (p.proname ~ '^(pg_(try_)?advisory|pg_stat_get_|lo_)'
      OR p.proname IN ('loread', 'lowrite', 'pg_notify', 'pg_listening_channels', 'pg_prepared_statement', 'pg_cursor',
        'pg_lock_status', 'pg_export_snapshot', 'pg_cancel_backend', 'pg_terminate_backend', 'pg_database_size',
        'pg_relation_size', 'pg_table_size', 'pg_indexes_size', 'pg_total_relation_size', 'pg_get_userbyid'))`

/** Catalog relations that show what other tenants do, hold or are called. The server itself reads them without grants. */
const REACHING_RELATIONS = `
  SELECT c.oid::regclass::text AS name
  FROM pg_class c
  WHERE c.relnamespace = 'pg_catalog'::regnamespace
    AND (c.relname ~ '^pg_stat(io)?(_|s$)' AND c.relkind = 'v'
      OR c.relname IN ('pg_locks', 'pg_prepared_statements', 'pg_prepared_xacts', 'pg_cursors', 'pg_sequences', 'pg_roles',
        'pg_user', 'pg_group', 'pg_shadow', 'pg_database', 'pg_authid', 'pg_auth_members', 'pg_db_role_setting', 'pg_shdepend',
        'pg_shdescription', 'pg_shseclabel', 'pg_largeobject_metadata', 'pg_statistic', 'pg_statistic_ext_data'))`

/** Row and page counts of a pooled table are the sum over all tenants. */
const COUNTING_COLUMNS = ['reltuples', 'relpages', 'relallvisible']

/**
 * Takes from PUBLIC, in the tenant store that superuser `client` is connected to, what would let one tenant see or touch
 * another beside its rows. Copied with the template into every tenant database. Also puts pgcrypto where the context
 * check finds it. What stays: EXPLAIN's row estimates, and a bare NOTIFY (no grant governs them).
 */
export async function hardenTenantStore(client: pg.Client): Promise<void> {
  await client.query(`
    CREATE SCHEMA IF NOT EXISTS crypto;
    CREATE EXTENSION IF NOT EXISTS pgcrypto SCHEMA crypto;
    REVOKE CREATE ON SCHEMA public FROM PUBLIC;
    REVOKE ALL ON SCHEMA crypto FROM PUBLIC;
    GRANT USAGE ON SCHEMA crypto TO ${roles.owner};`)
  const trusted = `${roles.migrator}, ${roles.owner}, ${roles.backup}`
  const functions = await names(client, REACHING_FUNCTIONS)
  const relations = await names(client, REACHING_RELATIONS)
  await client.query(`
    REVOKE EXECUTE ON FUNCTION ${functions} FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION ${functions} TO ${trusted};
    REVOKE SELECT ON ${relations} FROM PUBLIC;
    GRANT SELECT ON ${relations} TO ${trusted};`)
  await hideCounts(client, trusted)
}

async function hideCounts(client: pg.Client, trusted: string): Promise<void> {
  const columns = await names(
    client,
    `SELECT attname AS name FROM pg_attribute
     WHERE attrelid = 'pg_class'::regclass AND attnum > 0 AND attname NOT IN (${COUNTING_COLUMNS.map((c) => `'${c}'`).join(', ')})`,
  )
  await client.query(`
    REVOKE SELECT ON pg_class FROM PUBLIC;
    GRANT SELECT (${columns}) ON pg_class TO PUBLIC;
    GRANT SELECT ON pg_class TO ${trusted};`)
}

async function names(client: pg.Client, query: string): Promise<string> {
  const { rows } = await client.query<{ name: string }>(query)
  return rows.map(({ name }) => name).join(', ')
}
