import { type Measure, measure } from '../../../proof/measure.ts'
import { inject, readAttacks } from '../attack.ts'
import type { CanaryPair } from '../canaries.ts'

/** CAST-42. A plain `current_setting` policy fails this; the sealed context holds. */
export function tenancySqli(canaries: () => Promise<CanaryPair[]>): Measure {
  return measure({
    key: 'tenancy.sqli',
    sources: ['CAST-42'],
    family: 'separation',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.8.3', 'A.8.31'] },
    claim: {
      de: () => 'Selbst eine SQL-Injection bleibt innerhalb des Mandanten.',
      en: () => 'Even an SQL injection stays inside its tenant.',
    },
    async prove({ check, positiveControl }) {
      for (const { model, a, b } of await canaries()) {
        const own = await inject(b, b, 'SELECT * FROM tenancy.canary')
        positiveControl(`${model}: the victim itself sees its marker by the same means`, 'LEAK', own)
        for (const [what, statement] of readAttacks(a, b)) {
          const result = await inject(a, b, statement)
          check(`${model}: injected ${what}`, 'no leak', result === 'LEAK' ? 'LEAK' : 'no leak')
        }
      }
    },
  })
}
