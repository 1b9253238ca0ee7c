import type { AsMigrator } from '../../../data/migrator.ts'
import { roles } from '../../../data/roles.ts'
import type { SqlClient } from '../../../data/sql.ts'
import { type Measure, measure } from '../../../proof/measure.ts'

/** CAST-47. By default every login may connect to every database; here none may unless it was granted. */
export function dbProjectIsolation(asMigrator: AsMigrator): Measure {
  return measure({
    key: 'db.project.isolation',
    sources: ['CAST-47'],
    family: 'separation',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.8.31'] },
    claim: {
      de: () => 'Jede Datenbank lässt nur die Rollen herein, denen sie ausdrücklich geöffnet wurde.',
      en: () => 'Each database admits only the roles it was expressly opened to.',
    },
    async prove({ check, positiveControl }) {
      await asMigrator('look at who may connect where', async (client) => {
        positiveControl(
          'the same look sees that a database without grants admits everybody',
          true,
          await defaultIsOpen(client),
        )
        check('databases of this deployment that admit every login', [], await openDatabases(client))
      })
    },
  })
}

async function openDatabases(client: SqlClient): Promise<string[]> {
  const { rows } = await client.query<{ datname: string }>(
    `SELECT DISTINCT d.datname FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
     WHERE a.grantee = 0 AND a.privilege_type = 'CONNECT' AND d.datallowconn
       AND (d.datdba = $1::regrole OR d.datname IN ('postgres', 'template1'))
     ORDER BY 1`,
    [roles.owner],
  )
  return rows.map(({ datname }) => datname)
}

async function defaultIsOpen(client: SqlClient): Promise<boolean> {
  const { rowCount } = await client.query(
    `SELECT FROM aclexplode(acldefault('d', $1::regrole)) a WHERE a.grantee = 0 AND a.privilege_type = 'CONNECT'`,
    [roles.owner],
  )
  return rowCount === 1
}
