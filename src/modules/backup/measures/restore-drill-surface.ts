import { type Measure, measure } from '../../../proof/measure.ts'
import type { Tenant } from '../../tenancy/index.ts'
import { tenantTables } from '../content.ts'
import { type DrillParts, drill } from '../drill.ts'
import { readSurface } from '../listen.ts'
import { canariesToDrill } from './restore-drill.ts'

/** FEST-33. */
export function restoreDrillSurface(parts: DrillParts): Measure {
  return measure({
    key: 'restore.drill.surface',
    sources: ['FEST-33'],
    family: 'recoverability',
    maps: { gdpr: ['32(1)(c)', '32(1)(d)'], iso27001: ['A.8.13'] },
    freshFor: parts.settings.drillEvery,
    timeout: 300_000,
    claim: {
      de: () =>
        'Die Übung startet dieselbe Programmversion auf den wiederhergestellten Daten; ihre Schnittstelle und ihre Antworten gleichen denen des laufenden Betriebs.',
      en: () =>
        'The drill boots the same build on the restored data; its API surface and its answers equal those of the live service.',
    },
    async prove({ check, positiveControl, notApplicable }) {
      if (parts.settings.mode === 'snapshot')
        notApplicable('This deployment relies on snapshots of the whole machine.')
      const [canary] = await canariesToDrill(parts)
      if (!canary) return
      const { checks } = await drill(parts, canary, async ({ trial, restored, differing }) => {
        const other = await readSurface((path) => parts.edge.request({ host: parts.edge.adminHost, path }))
        const own = await readSurface(restored)
        positiveControl(
          "the same comparison tells the back-office's API apart",
          false,
          own.sha256 === other.sha256,
        )
        const before = await differing()
        await dropTables(parts, trial)
        // Where no public route of the deployment reads tables, dropping them shows nowhere.
        const after = await differing()
        if (after.length > before.length)
          positiveControl('routes that answer otherwise once the tables are dropped', true, after.length > 0)
      })
      for (const { what, expected, observed } of checks) check(what, expected, observed)
    },
  })
}

/** Of a tenant in a database of its own that lives for this drill alone. */
async function dropTables({ stores }: DrillParts, trial: Tenant): Promise<void> {
  if (trial.model === 'rows') return
  await stores.asMigrator(
    'drop the tables of a trial tenant',
    async (client) => {
      for (const table of await tenantTables(client)) await client.query(`DROP TABLE ${table} CASCADE`)
    },
    trial.slug,
  )
}
