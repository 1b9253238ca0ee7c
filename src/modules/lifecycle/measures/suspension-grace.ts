import { formatDuration } from '../../../kernel/duration.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import { again, type ProbeParts, signInTo, withTrials } from '../trial.ts'
import { contentOf } from '../writeAttacks.ts'

const MINUTE = 60_000

/** FEST-37. The clock is the sweeper's own parameter, shifted. */
export function suspensionGrace(parts: ProbeParts): Measure<{ grace: number }> {
  const { lifecycle, erasing, grace } = parts
  return measure({
    key: 'suspension.grace',
    sources: ['FEST-37'],
    family: 'availability',
    maps: { gdpr: ['20', '28(3)(g)'], iso27001: ['A.5.11', 'A.8.10'] },
    settings: { grace },
    claim: {
      de: ({ grace }) =>
        `Die Daten eines gesperrten Kontos bleiben ${formatDuration(grace, 'de')} online; das Konto zeigt, wie viele Tage es noch sind, und eine Reaktivierung beendet die Frist.`,
      en: ({ grace }) =>
        `The data of a suspended account stays online for ${formatDuration(grace, 'en')}; the account shows how many days are left, and a reactivation ends the period.`,
    },
    timeout: 120_000,
    async prove({ check, positiveControl, clock }) {
      await withTrials(parts, async (trial, model) => {
        const { slug } = trial
        const isDue = async (now: number) =>
          (await lifecycle.due(new Date(now))).some((due) => due.slug === slug)
        const ask = await signInTo(parts, trial)
        await lifecycle.suspend(slug)
        const since = (await again(erasing.tenancy, trial)).suspendedAt?.getTime() ?? 0
        const early = Math.abs(clock.now().getTime() - since) > MINUTE
        check(`${model}: the period begins at another time than now`, false, early)
        positiveControl(`${model}: due when the period is over`, true, await isDue(since + grace))
        const last = since + grace - MINUTE
        check(`${model}: due a minute before the period is over`, false, await isDue(last))
        check(
          `${model}: receipts of a sweep at that time`,
          0,
          (await lifecycle.sweep(new Date(last), slug)).length,
        )
        check(`${model}: rows that can be read after it`, true, (await contentOf(trial)).length > 0)
        const account = await ask('GET', '/api/v1/account')
        check(`${model}: GET /api/v1/account`, 200, account.status)
        const shown = JSON.parse(account.body)
        check(
          `${model}: the end that the account shows`,
          new Date(since + grace).toISOString(),
          shown.erasedAfter,
        )
        check(`${model}: it shows the days`, 'number', typeof shown.daysLeft)
        await lifecycle.reactivate(slug)
        check(`${model}: due at the same end after a reactivation`, false, await isDue(since + grace))
        await lifecycle.suspend(slug)
        const anew = (await again(erasing.tenancy, trial)).suspendedAt?.getTime() ?? 0
        check(`${model}: another suspension begins another period`, true, anew > since)
      })
    },
  })
}
