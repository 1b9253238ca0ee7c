import type { Stores } from '../../../data/index.ts'
import { shiftedClock } from '../../../kernel/clock.ts'
import { formatDuration } from '../../../kernel/duration.ts'
import { newId } from '../../../kernel/ids.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import type { JobsApi } from '../../jobs/index.ts'
import { openInbox } from '../inbox.ts'
import { PROBED, removeProbed } from '../probed.ts'
import { EVENT, jobIdOf } from '../queue.ts'
import type { BillingSettings } from '../settings.ts'
import { lastSweep, queueOrphans } from '../sweep.ts'

type Swept = Pick<BillingSettings, 'sweepEvery' | 'sweepAfter'>

/** How much (ms) a sweep may be late on a busy machine. */
const LATE = 30_000
const JUST = 10_000

/** CAST-63. Sweeps that see a later clock find a notification of the probe's own; of the running sweeper, its pulse. */
export function paymentsSweeper(
  all: BillingSettings,
  stores: Stores,
  openTrial: JobsApi['trial'],
): Measure<Swept> {
  const { sweepEvery, sweepAfter } = all
  return measure<Swept>({
    key: 'payments.sweeper',
    sources: ['CAST-63'],
    family: 'availability',
    maps: { gdpr: ['5(1)(d)', '32(1)(b)'], iso27001: ['A.8.14'] },
    settings: { sweepEvery, sweepAfter },
    claim: {
      de: ({ sweepEvery, sweepAfter }) =>
        `Zahlungsmeldungen, die nach ${formatDuration(sweepAfter, 'de').replace('Tage', 'Tagen')} noch nicht verarbeitet sind, werden gefunden und genau einmal neu eingereiht; gesucht wird alle ${formatDuration(sweepEvery, 'de')}.`,
      en: ({ sweepEvery, sweepAfter }) =>
        `Payment notifications that are still unprocessed after ${formatDuration(sweepAfter, 'en')} are found and queued again exactly once; the search runs every ${formatDuration(sweepEvery, 'en')}.`,
    },
    async prove({ check, positiveControl, notApplicable, clock }) {
      if (!all.key) notApplicable('No key of Mollie is given, so there are no payments.')
      const { control, asMigrator } = stores
      const { queues, close } = await openTrial() // where nobody works anything off
      const jobsFor = async (id: string) =>
        (await queues.waiting(EVENT)).filter((data) => (data as { id: string }).id === id).length
      const enqueue = async (id: string) =>
        void (await queues.add(EVENT, { tenant: null, data: { id } }, { id: jobIdOf(id) }))
      const searchAt = (ms: number) =>
        queueOrphans({ control, clock: shiftedClock(clock, ms), settings: all, enqueue })
      try {
        const made = `${PROBED}${newId().replaceAll('-', '')}`
        const orphan = await openInbox(control, clock, all.lease).receive(made, 'webhook')
        positiveControl('jobs for a notification that nobody looked for', 0, await jobsFor(orphan))
        await searchAt(sweepAfter - JUST)
        check(`after a search ${(sweepAfter - JUST) / 1_000} s after it came`, 0, await jobsFor(orphan))
        await Promise.all([searchAt(sweepAfter + JUST), searchAt(sweepAfter + JUST)])
        await searchAt(sweepAfter + sweepEvery + JUST)
        check('after two searches at once when it was due, and another', 1, await jobsFor(orphan))
        const newest = await lastSweep(control)
        const age = clock.now().getTime() - (newest?.getTime() ?? 0)
        check('the running search came to its end in time', 'yes', age <= sweepEvery + LATE ? 'yes' : 'no')
      } finally {
        await removeProbed(asMigrator)
        await close()
      }
    },
  })
}
