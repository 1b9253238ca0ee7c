import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { defineProblem } from '../kernel/problems.ts'
import { roles } from './roles.ts'

/** The advisory lock that lets one migrator work in a database at a time. */
export const MIGRATION_LOCK = 821_912_301

/** One SQL file. Applied once a database, in one transaction, as the owner role. */
export interface Migration {
  /** `<module>/<file>`, such as `tenancy/0001-context.sql`. */
  name: string
  sql: string
  sha256: string
}

const locked = defineProblem({ code: 'migration-locked', status: 503, title: 'Another migrator is at work' })
const changed = defineProblem({
  code: 'migration-changed',
  status: 500,
  title: 'An applied migration was changed',
})

/** Reads a module's `*.sql` files in name order. Each file says in its first comment why it exists. */
export async function readMigrations(module: string, directory: URL): Promise<Migration[]> {
  const files = (await readdir(directory)).filter((file) => file.endsWith('.sql')).sort()
  return Promise.all(
    files.map(async (file) => {
      const sql = await readFile(
        new URL(file, directory.href.endsWith('/') ? directory : `${directory.href}/`),
        'utf8',
      )
      return { name: `${module}/${file}`, sql, sha256: createHash('sha256').update(sql).digest('hex') }
    }),
  )
}

/**
 * Applies what is missing, in order, and returns the names applied. Serialised by the advisory lock, which is polled so
 * that a waiting migrator can give up after `waitFor` ms (Problem `migration-locked`). Each migration and its record
 * are one transaction: killed at any point, a second run carries on and ends at the same schema. A file that changed
 * after it was applied is refused (Problem `migration-changed`). `client` is the migrator's.
 */
export async function migrate(
  client: pg.ClientBase,
  migrations: readonly Migration[],
  options: { waitFor?: number; onApply?: (name: string) => void } = {},
): Promise<string[]> {
  await lock(client, options.waitFor ?? 60_000)
  try {
    await client.query(`SET ROLE ${roles.owner}`)
    await createLedger(client)
    const missing = await findMissing(client, migrations)
    for (const migration of missing) {
      options.onApply?.(migration.name)
      await apply(client, migration)
    }
    return missing.map(({ name }) => name)
  } finally {
    await client.query('RESET ROLE')
    await client.query('SELECT pg_advisory_unlock($1)', [MIGRATION_LOCK])
  }
}

async function lock(client: pg.ClientBase, waitFor: number): Promise<void> {
  const deadline = performance.now() + waitFor
  for (;;) {
    const { rows } = await client.query<{ got: boolean }>('SELECT pg_try_advisory_lock($1) AS got', [
      MIGRATION_LOCK,
    ])
    if (rows[0]?.got) return
    if (performance.now() > deadline) {
      throw locked(
        `Another migrator has held lock ${MIGRATION_LOCK} for ${waitFor} ms; wait for it to finish.`,
      )
    }
    await sleep(50)
  }
}

async function createLedger(client: pg.ClientBase): Promise<void> {
  await client.query(`
    CREATE SCHEMA IF NOT EXISTS surety;
    CREATE TABLE IF NOT EXISTS surety.migration (
      name text PRIMARY KEY,
      sha256 text NOT NULL,
      applied_at timestamptz NOT NULL DEFAULT now()
    )`)
}

/** Names of all that was applied to the database of `client`, which is the migrator's; none where it never was one of ours. */
export async function appliedMigrations(client: pg.ClientBase): Promise<string[]> {
  await client.query(`SET ROLE ${roles.owner}`)
  try {
    const there = await client.query<{ ledger: string | null }>(
      "SELECT to_regclass('surety.migration') AS ledger",
    )
    if (!there.rows[0]?.ledger) return []
    const { rows } = await client.query<{ name: string }>('SELECT name FROM surety.migration ORDER BY name')
    return rows.map(({ name }) => name)
  } finally {
    await client.query('RESET ROLE')
  }
}

async function findMissing(client: pg.ClientBase, migrations: readonly Migration[]): Promise<Migration[]> {
  const { rows } = await client.query<{ name: string; sha256: string }>(
    'SELECT name, sha256 FROM surety.migration',
  )
  const applied = new Map(rows.map((row) => [row.name, row.sha256]))
  const tampered = migrations.filter(({ name, sha256 }) => applied.has(name) && applied.get(name) !== sha256)
  if (tampered.length > 0) {
    throw changed(
      `${tampered.map(({ name }) => name).join(', ')} differ from what was applied; add a new migration instead.`,
    )
  }
  return migrations.filter(({ name }) => !applied.has(name))
}

async function apply(client: pg.ClientBase, { name, sql, sha256 }: Migration): Promise<void> {
  await client.query('BEGIN')
  try {
    await client.query(sql)
    await client.query('INSERT INTO surety.migration (name, sha256) VALUES ($1, $2)', [name, sha256])
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined)
    throw error
  }
}
