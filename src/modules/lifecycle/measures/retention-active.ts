import { type Measure, measure } from '../../../proof/measure.ts'
import { again, outcomeOf, type ProbeParts, withTrials } from '../trial.ts'
import { contentOf } from '../writeAttacks.ts'

const TEN_YEARS = 10 * 365 * 86_400_000

/** FEST-35. */
export function retentionActive(parts: ProbeParts): Measure {
  const { lifecycle, erasing } = parts
  return measure({
    key: 'retention.active',
    sources: ['FEST-35'],
    family: 'availability',
    maps: { gdpr: ['5(1)(e)', '28(3)(g)'], iso27001: ['A.5.33', 'A.8.10'] },
    claim: {
      de: () => 'Die Daten bleiben gespeichert, solange das Konto aktiv ist.',
      en: () => 'Data is kept for as long as the account is active.',
    },
    timeout: 120_000,
    async prove({ check, positiveControl, clock }) {
      const late = new Date(clock.now().getTime() + TEN_YEARS)
      await withTrials(parts, async (trial, model) => {
        check(`${model}: a sweep ten years ahead erases`, 0, (await lifecycle.sweep(late, trial.slug)).length)
        check(`${model}: the tenant after it`, 'done', await outcomeOf(again(erasing.tenancy, trial)))
        check(
          `${model}: its content after it`,
          true,
          await contentOf(trial).then(
            (rows) => rows.length > 0,
            () => false,
          ),
        )
        await lifecycle.suspend(trial.slug)
        const due = (await lifecycle.due(late)).map(({ slug }) => slug)
        positiveControl(`${model}: suspended, it would be due`, true, due.includes(trial.slug))
      })
      const active = (await erasing.tenancy.list())
        .filter(({ state }) => state === 'active')
        .map(({ id }) => id)
      const due = (await lifecycle.due(late)).filter(({ id }) => active.includes(id))
      check('active tenants that are due ten years ahead', 0, due.length)
    },
  })
}
