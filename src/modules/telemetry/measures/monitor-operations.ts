import { randomUUID } from 'node:crypto'
import { shiftedClock } from '../../../kernel/clock.ts'
import { formatDuration } from '../../../kernel/duration.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import type { Channel } from '../alerts.ts'
import { dropCanary } from '../canaryAlerts.ts'
import type { MeasureParts } from '../measures.ts'
import { look, openBeats } from '../watch.ts'

interface Claimed {
  missedAfter: number
  channels: string[]
}

/** FSTV-14. A process of the probe's own stops giving signs of life; what looks and tells is what runs. */
export function monitorOperations({
  parts,
  settings,
  channels,
  stores,
  clock,
}: MeasureParts): Measure<Claimed> {
  const { missedAfter } = settings
  return measure<Claimed>({
    key: 'monitor.operations',
    sources: ['FSTV-14'],
    family: 'availability',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.8.16'] },
    settings: { missedAfter, channels: ['back-office', ...channels.map(({ name }) => name)] },
    claim: {
      de: ({ missedAfter, channels }) =>
        `Der Betrieb wird überwacht: fällt ein Prozess länger als ${formatDuration(missedAfter, 'de')}, die Datenbank oder der Cache aus, ergeht eine Meldung (${channels.join(', ')}), und ebenso bei der Behebung.`,
      en: ({ missedAfter, channels }) =>
        `Operation is watched: when a process is missing for longer than ${formatDuration(missedAfter, 'en')}, or the database or the cache is away, an alert goes out (${channels.join(', ')}), and another one when it is over.`,
    },
    async prove({ check, positiveControl }) {
      const kind = `canary-${randomUUID()}`
      const name = `no-${kind}`
      const told: string[] = []
      const began = clock.now()
      const channel: Channel = {
        name: 'probe',
        tell: async (news, turn) => told.push(`${news.name} ${turn}`),
      }
      const turnAt = async (ahead: number) => {
        const { alive } = openBeats(stores.redis, shiftedClock(clock, ahead), settings.prefix)
        await look([{ name, canary: true, holds: alive(kind, missedAfter, began) }], parts.alerts)
        await parts.alerts.tell([channel], name)
        return [...told]
      }
      try {
        await parts.beats.beat(kind)
        positiveControl('told while the process gives signs of life', [], await turnAt(missedAfter / 2))
        const later = 2 * missedAfter
        check('told once it is missing', [`${name} fired`], await turnAt(later))
        check('told while it stays missing', [`${name} fired`], await turnAt(later + missedAfter))
        await parts.beats.beat(kind)
        check('told when it is back', [`${name} fired`, `${name} cleared`], await turnAt(0))
        const down = { name: `${name}-down`, canary: true, holds: () => Promise.reject(new Error('down')) }
        await look([down], parts.alerts)
        await parts.alerts.tell([channel], down.name)
        check('told of a store that does not answer', `${down.name} fired`, told.at(-1))
      } finally {
        await parts.beats.forget(kind)
        await dropCanary(stores, [name, `${name}-down`])
      }
    },
  })
}
