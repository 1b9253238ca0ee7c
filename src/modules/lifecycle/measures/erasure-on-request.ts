import { type Measure, measure } from '../../../proof/measure.ts'
import { oneMonthAfter, overdue } from '../request.ts'
import { again, outcomeOf, type ProbeParts, withTrials } from '../trial.ts'

/** FEST-39. That mail to the privacy mailbox is read is for people to attest; what follows from it is shown here. */
export function erasureOnRequest(parts: ProbeParts): Measure {
  const { lifecycle, erasing, timeZone } = parts
  return measure({
    key: 'erasure.on-request',
    sources: ['FEST-39'],
    family: 'availability',
    maps: { gdpr: ['12(3)', '12(6)', '17(1)'], iso27001: ['A.5.34', 'A.8.10'] },
    claim: {
      de: () =>
        'Auf Verlangen wird sofort gelöscht: Jedes Verlangen ist ein Vorgang mit der Frist von einem Monat, und gelöscht wird erst, wenn feststeht, wer es verlangt.',
      en: () =>
        'On request everything is erased at once: each request is a case with the period of one month, and nothing is erased before it is known who asks.',
    },
    timeout: 180_000,
    async prove({ check, positiveControl, clock }) {
      const requests = await lifecycle.requests()
      check(
        'requests whose last day is over without an answer',
        0,
        overdue(requests, clock.now(), timeZone).length,
      )
      const month = oneMonthAfter(new Date('2028-01-31T22:30:00Z'), 'Europe/Berlin')
      check('the last day for what came in at 23:30 on 31 January 2028 in Berlin', '2028-02-29', month)
      await withTrials(parts, async (trial, model) => {
        const { id, receivedAt, dueOn } = await lifecycle.request(trial.slug, 'probe')
        check(`${model}: the last day to answer`, oneMonthAfter(receivedAt, timeZone), dueOn)
        const open = (await lifecycle.requests()).filter((request) => request.id === id)
        const later = new Date(receivedAt.getTime() + 40 * 86_400_000)
        positiveControl(
          `${model}: unanswered for forty days, it is overdue`,
          1,
          overdue(open, later, timeZone).length,
        )
        const early = await outcomeOf(lifecycle.eraseOnRequest(id))
        check(`${model}: erasing before it is known who asks`, 'erasure-unconfirmed', early)
        positiveControl(
          `${model}: the tenant is still there`,
          'done',
          await outcomeOf(again(erasing.tenancy, trial)),
        )
        await lifecycle.confirm(id, 'probe')
        check(`${model}: erasing once it is known`, 'done', await outcomeOf(lifecycle.eraseOnRequest(id)))
        check(
          `${model}: the tenant after it`,
          'tenant-not-found',
          await outcomeOf(again(erasing.tenancy, trial)),
        )
        const answered = (await lifecycle.requests()).find((request) => request.id === id)?.answeredAt ?? null
        check(`${model}: the case is answered`, true, answered !== null)
      })
    },
  })
}
