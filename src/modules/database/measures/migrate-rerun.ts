import { type Migration, migrate } from '../../../data/migrate.ts'
import type { AsMigrator } from '../../../data/migrator.ts'
import type { SqlClient } from '../../../data/sql.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import { inScratchDatabase } from '../scratchDatabase.ts'

/** Migrations of the probe: a table, data in it with a second statement, and a change of both. */
const TRIAL: Migration[] = [
  'CREATE TABLE surety.trial (id int PRIMARY KEY)',
  `INSERT INTO surety.trial SELECT generate_series(1, 3); ALTER TABLE surety.trial ADD COLUMN word text`,
  `UPDATE surety.trial SET word = 'w' || id; CREATE INDEX ON surety.trial (word)`,
].map((sql, i) => ({ name: `probe/000${i + 1}-trial.sql`, sql, sha256: `probe-${i + 1}` }))

/** CAST-66. The migrator's session is killed before each of its statements in turn, then the migrator runs again. */
export function migrateRerun(asMigrator: AsMigrator): Measure {
  return measure({
    key: 'migrate.rerun',
    sources: ['CAST-66'],
    family: 'availability',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.8.32'] },
    claim: {
      de: () => 'Migrationen können nach einem Abbruch an jeder Stelle gefahrlos wiederholt werden.',
      en: () => 'Migrations can be run again safely after a failure at any point.',
    },
    async prove({ check, positiveControl }) {
      const { state: clean, statements } = await inScratchDatabase(asMigrator, async (connect) => {
        const count = { statements: 0 }
        await connect((client) => migrate(counting(client, count, Infinity), TRIAL))
        return { state: await connect(stateOf), statements: count.statements }
      })
      const halves = new Set<string>()
      const wrong: number[] = []
      for (let at = 1; at <= statements; at++) {
        const { broken, mended } = await killAndRepeat(asMigrator, at)
        halves.add(broken)
        if (mended !== clean) wrong.push(at)
      }
      positiveControl('the kills left the schema at several stages', true, halves.size >= TRIAL.length)
      check(`killed before each of ${statements} statements, and run again: schema differs after`, [], wrong)
    },
  })
}

function killAndRepeat(asMigrator: AsMigrator, at: number): Promise<{ broken: string; mended: string }> {
  return inScratchDatabase(asMigrator, async (connect) => {
    const count = { statements: 0 }
    await connect((client) => migrate(counting(client, count, at), TRIAL)).catch(() => undefined)
    const broken = await connect(stateOf)
    await connect((client) => migrate(client, TRIAL))
    return { broken, mended: await connect(stateOf) }
  })
}

/** `client`, whose server process is killed in place of its statement number `killAt`. */
function counting(client: SqlClient, count: { statements: number }, killAt: number): SqlClient {
  const query = async (...question: Parameters<SqlClient['query']>) => {
    count.statements += 1
    return count.statements === killAt
      ? client.query('SELECT pg_terminate_backend(pg_backend_pid())')
      : client.query(...question)
  }
  return new Proxy(client, { get: (target, name) => (name === 'query' ? query : Reflect.get(target, name)) })
}

/** Tables, columns, indexes and the trial's rows, as one text. */
async function stateOf(client: SqlClient): Promise<string> {
  const { rows } = await client.query<{ state: string }>(`
    SELECT coalesce(string_agg(line, E'\\n' ORDER BY line), '') AS state FROM (
      SELECT 'column ' || table_name || '.' || column_name || ' ' || data_type AS line
        FROM information_schema.columns WHERE table_schema = 'surety'
      UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'surety'
      UNION ALL SELECT 'applied ' || name FROM ${await exists(client, 'surety.migration')}
      UNION ALL SELECT 'row ' || name::text FROM ${await exists(client, 'surety.trial')}
    ) lines`)
  return rows[0]?.state ?? ''
}

/** The table's rows as text, or none where it does not exist yet. */
async function exists(client: SqlClient, table: string): Promise<string> {
  const { rows } = await client.query<{ there: boolean }>('SELECT to_regclass($1) IS NOT NULL AS there', [
    table,
  ])
  const columns = table.endsWith('trial') ? 't::text' : 't.name'
  return rows[0]?.there
    ? `(SELECT ${columns} AS name FROM ${table} t) found`
    : `(SELECT '' AS name WHERE false) none`
}
