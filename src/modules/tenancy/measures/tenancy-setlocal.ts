import { sql } from 'drizzle-orm'
import { type SqlAddress, type SqlClient, withConnection } from '../../../data/sql.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import type { CanaryPair } from '../canaries.ts'

/** CAST-40. `appInPool` logs in to the pooled store as the application does. */
export function tenancySetlocal(canaries: () => Promise<CanaryPair[]>, appInPool: SqlAddress): Measure {
  return measure({
    key: 'tenancy.setlocal',
    sources: ['CAST-40'],
    family: 'separation',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.8.3', 'A.8.31'] },
    claim: {
      de: () =>
        'Jede Transaktion setzt den Mandantenkontext nur für sich; ohne Kontext ist keine Zeile sichtbar.',
      en: () =>
        'Each transaction sets the tenant context for itself alone; without a context no row is visible.',
    },
    async prove({ check, positiveControl, notApplicable }) {
      const pair = (await canaries()).find(({ model }) => model === 'rows')
      if (!pair) return notApplicable('No tenant shares tables with another.')
      const sealed = await pair.a.transaction((db) =>
        db.execute<{ context: string }>(sql`SELECT current_setting('app.tenant') AS context`),
      )
      const context = sealed.rows[0]?.context
      await withConnection(appInPool, async (client) => {
        check('rows visible to the application role on a fresh connection', 0, await visible(client))
        for (const ending of ['ROLLBACK', 'COMMIT']) {
          await client.query('BEGIN')
          await client.query("SELECT set_config('app.tenant', $1, true)", [context])
          positiveControl(`rows visible inside the context, before ${ending}`, 1, await visible(client))
          await client.query(ending)
          check(`rows visible on the same connection after ${ending}`, 0, await visible(client))
        }
      })
    },
  })
}

async function visible(client: SqlClient): Promise<number> {
  const { rows } = await client.query<{ n: number }>('SELECT count(*)::int AS n FROM tenancy.canary')
  return rows[0]?.n ?? 0
}
