import { setTimeout as sleep } from 'node:timers/promises'
import type { AsMigrator } from '../../data/migrator.ts'
import { databases, roles } from '../../data/roles.ts'
import type { SqlClient } from '../../data/sql.ts'
import { defineProblem } from '../../kernel/problems.ts'
import { tenantTables } from './unprotectedTables.ts'

const poolBusy = defineProblem({ code: 'erasure-waits', status: 503, title: 'The erasure cannot go on yet' })

/** A transaction may stand idle for a minute (stores.statementTimeout); one that is older than this hangs. */
const PATIENCE = 90_000

/**
 * Waits until every transaction of the application that began before now has ended: what begins later sees that the tenant
 * may not write.
 */
export async function waitForOlder(asMigrator: AsMigrator): Promise<void> {
  await asMigrator(
    'wait for transactions under way',
    async (client) => {
      const began = await client.query<{ at: Date }>('SELECT clock_timestamp()::text AS at')
      for (const deadline = performance.now() + PATIENCE; performance.now() < deadline; await sleep(50)) {
        const older = await client.query(
          `SELECT FROM pg_stat_activity WHERE datname = current_database() AND usename = $1
             AND state <> 'idle' AND xact_start < $2::timestamptz LIMIT 1`,
          [roles.app, began.rows[0]?.at],
        )
        if (older.rowCount === 0) return
      }
      throw poolBusy('A transaction in the pool does not end; it is tried again later.')
    },
    databases.pool,
  )
}

/**
 * Deletes the rows of a tenant from every table of the pool in one transaction, and then the trail of their changes.
 * Its id stays listed as suspended: a process that still holds the tenant object writes nothing any more.
 */
export async function eraseRows(asMigrator: AsMigrator, id: string): Promise<void> {
  await asMigrator(
    'delete the rows of a tenant',
    async (client) => {
      await client.query('BEGIN')
      await client.query('SET LOCAL statement_timeout = 0')
      await client.query('SET LOCAL idle_in_transaction_session_timeout = 0')
      for (const table of await inOrder(client))
        await client.query(`DELETE FROM ${table} WHERE tenant_id = $1`, [id])
      if (await hasTrail(client)) await client.query('SELECT audit.forget($1)', [id])
      await client.query('COMMIT')
    },
    databases.pool,
  )
}

/** Names of the tables of the pool that still have rows of a tenant. */
export async function rowsLeft(asMigrator: AsMigrator, id: string): Promise<string[]> {
  return asMigrator(
    'look for rows of a tenant',
    async (client) => {
      const found: string[] = []
      const tables = [...(await tenantTables(client)), ...((await hasTrail(client)) ? ['audit.entry'] : [])]
      for (const table of tables) {
        const { rowCount } = await client.query(`SELECT FROM ${table} WHERE tenant_id = $1 LIMIT 1`, [id])
        if (rowCount) found.push(`rows in ${table}`)
      }
      return found
    },
    databases.pool,
  )
}

async function hasTrail(client: SqlClient): Promise<boolean> {
  const { rows } = await client.query<{ there: boolean }>(
    "SELECT to_regclass('audit.entry') IS NOT NULL AS there",
  )
  return rows[0]?.there ?? false
}

/** Tables that refer to others before those that they refer to. */
async function inOrder(client: SqlClient): Promise<string[]> {
  const { rows } = await client.query<{ child: string; parent: string }>(
    `SELECT format('%I.%I', cn.nspname, c.relname) AS child, format('%I.%I', pn.nspname, p.relname) AS parent
     FROM pg_constraint f
     JOIN pg_class c ON c.oid = f.conrelid JOIN pg_namespace cn ON cn.oid = c.relnamespace
     JOIN pg_class p ON p.oid = f.confrelid JOIN pg_namespace pn ON pn.oid = p.relnamespace
     WHERE f.contype = 'f' AND f.conrelid <> f.confrelid`,
  )
  const ordered: string[] = []
  const visit = (table: string): void => {
    if (ordered.includes(table)) return
    for (const { child } of rows.filter(({ parent }) => parent === table)) visit(child)
    ordered.push(table)
  }
  for (const table of await tenantTables(client)) visit(table)
  return ordered
}
