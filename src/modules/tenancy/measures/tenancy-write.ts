import { type Measure, measure } from '../../../proof/measure.ts'
import { changedRows, writeAttacks } from '../attack.ts'
import type { CanaryPair } from '../canaries.ts'

/** CAST-51. */
export function tenancyWrite(canaries: () => Promise<CanaryPair[]>): Measure {
  return measure({
    key: 'tenancy.write',
    sources: ['CAST-51'],
    family: 'separation',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.8.3', 'A.8.31'] },
    claim: {
      de: () => 'Die Datenbank verhindert Schreibzugriffe auf Daten anderer Mandanten.',
      en: () => 'The database blocks writes to the data of other tenants.',
    },
    async prove({ check, positiveControl }) {
      for (const { model, a, b } of await canaries()) {
        const own = await changedRows(
          a,
          `UPDATE tenancy.canary SET marker = marker WHERE tenant_id = '${a.id}'`,
        )
        positiveControl(`${model}: the same UPDATE changes the attacker's own row`, 1, own)
        for (const [what, statement] of writeAttacks(a, b)) {
          check(`${model}: ${what} changes no row`, 0, (await changedRows(a, statement)) ?? 0)
        }
      }
    },
  })
}
