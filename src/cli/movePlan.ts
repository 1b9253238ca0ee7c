import { sql } from 'drizzle-orm'
import pc from 'picocolors'
import { withPlatform } from './tenant.ts'

/** Rows a second that an export and import moved on a small machine; only to say minutes from hours. */
const ROWS_PER_SECOND = 5_000

/** Prints what moving a tenant to the other isolation model would carry over, and in which steps. Changes nothing. */
export function planMove(slug: string): Promise<void> {
  return withPlatform(async ({ tenancy }) => {
    const tenant = await tenancy.bySlug(slug)
    const target = tenant.model === 'rows' ? 'database' : 'rows'
    const tables = await tenancy.tables()
    const counts = await tenant.transaction(async (db) => {
      const found: [string, number][] = []
      for (const table of tables) {
        const { rows } = await db.execute(sql.raw(`SELECT count(*)::int AS n FROM ${table}`))
        found.push([table, Number(rows[0]?.n)])
      }
      return found
    })
    const files = await tenant.files.list()
    const total = counts.reduce((sum, [, n]) => sum + n, 0)
    console.log(pc.bold(`${tenant.name} (${slug}): ${tenant.model} → ${target}\n`))
    for (const [table, n] of counts.filter(([, n]) => n > 0))
      console.log(`  ${table.padEnd(28)} ${String(n).padStart(9)} rows`)
    console.log(`  ${'files (stay where they are)'.padEnd(28)} ${String(files.length).padStart(9)}\n`)
    const seconds = Math.max(1, Math.ceil(total / ROWS_PER_SECOND))
    const steps = [
      `surety tenant suspend ${slug}: read-only for about ${seconds} s`,
      target === 'database'
        ? 'take a spare database and give it the slug'
        : 'nothing to prepare: the pool is there',
      `copy ${total} rows in one transaction, tenant_id unchanged`,
      'compare row counts and hashes of every table',
      'change the registry line: the next request goes to the new place',
      target === 'database' ? 'delete the rows from the pool' : 'drop the database',
      `surety tenant reactivate ${slug}`,
    ]
    for (const [i, step] of steps.entries()) console.log(`  ${i + 1}. ${step}`)
    console.log(pc.dim('\nThis is a plan; nothing was changed.'))
  })
}
