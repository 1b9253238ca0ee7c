import { formatDuration } from '../../../kernel/duration.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import { type DrillParts, drill } from '../drill.ts'
import { type DrillReport, drillsSince, medianAndWorst } from '../drillLog.ts'
import type { BackupSettings } from '../settings.ts'
import { canariesToDrill } from './restore-drill.ts'

type Rto = Pick<BackupSettings, 'mode' | 'rto' | 'drillEvery'>

/** LARA-17. */
export function drRto(parts: DrillParts): Measure<Rto> {
  const { mode, rto, drillEvery } = parts.settings
  return measure<Rto>({
    key: 'dr.rto',
    sources: ['LARA-17'],
    family: 'recoverability',
    maps: { gdpr: ['32(1)(c)'], iso27001: ['A.5.30', 'A.8.14'] },
    settings: { mode, rto, drillEvery },
    timeout: 600_000,
    claim: {
      de: ({ rto }) =>
        `Ein Mandant ist nach höchstens ${formatDuration(rto, 'de')} wiederhergestellt und antwortet; gemessen in jeder Übung, hochgerechnet auf den größten.`,
      en: ({ rto }) =>
        `A tenant is restored and answers again within ${formatDuration(rto, 'en')}; measured in every drill, projected to the largest one.`,
    },
    async prove({ check, positiveControl, notApplicable, clock, settings }) {
      if (settings.mode === 'snapshot')
        notApplicable('This deployment relies on snapshots of the whole machine.')
      const drills = await recentDrills(parts, new Date(clock.now().getTime() - settings.drillEvery))
      const within = (list: readonly DrillReport[]) => {
        const worst = medianAndWorst(list.map(({ rtoMs }) => rtoMs))?.worst ?? Number.POSITIVE_INFINITY
        const largest = medianAndWorst(list.map(({ largestRtoMs }) => largestRtoMs))?.worst
        return {
          worst: worst <= settings.rto,
          largest: (largest ?? Number.POSITIVE_INFINITY) <= settings.rto,
        }
      }
      const times = medianAndWorst(drills.map(({ rtoMs }) => rtoMs))
      const said = `median ${times?.median} ms, worst ${times?.worst} ms of ${drills.length}`
      check('drills in the last period that failed', 0, drills.filter(({ passed }) => !passed).length)
      check(
        `times from the request to the first verified answer (${said}) are within the promise`,
        true,
        within(drills).worst,
      )
      check('so is the worst of them projected to the largest tenant', true, within(drills).largest)
      const slow = drills.map((one) => ({ ...one, rtoMs: settings.rto + 1, largestRtoMs: settings.rto + 1 }))
      positiveControl(
        'the same look at drills that took longer',
        { worst: false, largest: false },
        within(slow),
      )
    },
  })
}

/** The reports since then; when there are none, of a drill that is done now. */
async function recentDrills(parts: DrillParts, since: Date): Promise<DrillReport[]> {
  const found = await drillsSince(parts.stores, since)
  if (found.length > 0) return found
  const [canary] = await canariesToDrill(parts)
  return canary ? [await drill(parts, canary)] : []
}
