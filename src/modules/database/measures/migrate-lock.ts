import { MIGRATION_LOCK, type Migration, migrate } from '../../../data/migrate.ts'
import type { AsMigrator } from '../../../data/migrator.ts'
import type { SqlClient } from '../../../data/sql.ts'
import { Problem } from '../../../kernel/problems.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import { inScratchDatabase } from '../scratchDatabase.ts'

const TRIAL: Migration[] = [
  { name: 'probe/0001-trial.sql', sql: 'CREATE TABLE surety.trial ()', sha256: 'probe' },
]

/** CAST-52. Two migrators race in a database made for the probe and dropped after it. */
export function migrateLock(asMigrator: AsMigrator): Measure {
  return measure({
    key: 'migrate.lock',
    sources: ['CAST-52'],
    family: 'availability',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.8.32'] },
    claim: {
      de: () => `Migrationen laufen nacheinander; dafür sorgt die Sperre ${MIGRATION_LOCK}.`,
      en: () => `Migrations run one at a time, kept so by advisory lock ${MIGRATION_LOCK}.`,
    },
    async prove({ check, positiveControl }) {
      await inTwoSessions(asMigrator, async (a, b) => {
        await a.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK])
        check('a migrator while another holds the lock', 'migration-locked', await outcome(b, 300))
        check('sessions that hold the lock, as the server lists them', 1, await holders(b))
        await a.query('SELECT pg_advisory_unlock($1)', [MIGRATION_LOCK])
        await a.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK + 1])
        positiveControl('a migrator while only another lock is held', 'applied', await outcome(b, 300))
        await b.query('DROP SCHEMA surety CASCADE')
        const both = await Promise.all([outcome(a, 10_000), outcome(b, 10_000)])
        check('two migrators at once', ['applied', 'nothing to do'], both.sort())
      })
    },
  })
}

async function outcome(client: SqlClient, waitFor: number): Promise<string> {
  try {
    return (await migrate(client, TRIAL, { waitFor })).length > 0 ? 'applied' : 'nothing to do'
  } catch (error) {
    if (error instanceof Problem) return error.code
    throw error
  }
}

async function holders(client: SqlClient): Promise<number> {
  const { rows } = await client.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM pg_locks WHERE locktype = 'advisory' AND objid = $1 AND granted
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    [MIGRATION_LOCK],
  )
  return rows[0]?.n ?? 0
}

function inTwoSessions(
  asMigrator: AsMigrator,
  work: (a: SqlClient, b: SqlClient) => Promise<void>,
): Promise<void> {
  return inScratchDatabase(asMigrator, (connect) => connect((a) => connect((b) => work(a, b))))
}
