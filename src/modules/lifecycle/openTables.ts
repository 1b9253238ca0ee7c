import type { AsMigrator } from '../../data/migrator.ts'
import { databases } from '../../data/roles.ts'

/** Protected tables, in the pool and in what tenants' own databases are made from, that a suspension leaves writable. */
export async function openWhenSuspended(asMigrator: AsMigrator): Promise<string[]> {
  const found = new Set<string>()
  for (const database of [databases.pool, databases.template]) {
    const { rows } = await asMigrator(
      'look for tables that a suspension leaves open',
      (client) =>
        client.query<{ name: string }>(
          `SELECT format('%I.%I', n.nspname, c.relname) AS name
           FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace
           WHERE has_table_privilege('surety_tenant', c.oid, 'INSERT, UPDATE, DELETE') AND NOT EXISTS (
             SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgenabled = 'A' AND t.tgtype = 30 AND t.tgqual IS NULL
               AND t.tgfoid = 'tenancy.refuse_when_suspended'::regproc)`,
        ),
      database,
    )
    for (const { name } of rows) found.add(name)
  }
  return [...found].sort()
}
