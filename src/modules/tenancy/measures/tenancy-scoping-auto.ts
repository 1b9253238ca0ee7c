import { type Measure, measure } from '../../../proof/measure.ts'
import { changedRows } from '../attack.ts'
import type { CanaryPair } from '../canaries.ts'

/** LARA-09. */
export function tenancyScopingAuto(
  canaries: () => Promise<CanaryPair[]>,
  tables: () => Promise<string[]>,
): Measure {
  return measure({
    key: 'tenancy.scoping.auto',
    sources: ['LARA-09'],
    family: 'separation',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.8.3', 'A.8.31'] },
    claim: {
      de: () => 'Jede Abfrage wird automatisch auf den Mandanten eingeschränkt, ohne Zutun der Anwendung.',
      en: () => 'Every query is scoped to its tenant automatically, whatever the application writes.',
    },
    async prove({ check, positiveControl }) {
      for (const { model, a, b } of await canaries()) {
        const own = await changedRows(a, 'SELECT FROM tenancy.canary')
        positiveControl(`${model}: a query without a condition finds the tenant's own marker`, 1, own)
        for (const table of await tables()) {
          const foreign = await changedRows(a, `SELECT FROM ${table} WHERE tenant_id <> '${a.id}'`)
          check(`${model}: rows of other tenants in ${table} for a query of the canary`, 0, foreign)
          const victim = await changedRows(a, `DELETE FROM ${table} WHERE tenant_id = '${b.id}'`)
          check(`${model}: rows of the other canary that a DELETE reaches in ${table}`, 0, victim)
        }
      }
    },
  })
}
