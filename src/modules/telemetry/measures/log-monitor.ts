import { randomUUID } from 'node:crypto'
import { formatDuration } from '../../../kernel/duration.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import { dropCanary, settled } from '../canaryAlerts.ts'
import type { MeasureParts } from '../measures.ts'

/** Milliseconds within which a line must have become an alert. */
const WITHIN = 10_000

interface Claimed {
  within: number
  /** Ways to people. */
  channels: string[]
}

/** CAST-70: by the machine, at once. That people also read logs once a month is for an attestation. */
export function logMonitor({ parts, channels, log, stores }: MeasureParts): Measure<Claimed> {
  return measure<Claimed>({
    key: 'log.monitor',
    sources: ['CAST-70'],
    family: 'review',
    maps: { gdpr: ['32(1)(d)'], iso27001: ['A.8.15', 'A.8.16'] },
    settings: { within: WITHIN, channels: ['back-office', ...channels.map(({ name }) => name)] },
    claim: {
      de: ({ within, channels }) =>
        `Protokolle werden laufend überwacht: Zeilen über Angriffe und Fehler werden binnen ${formatDuration(within, 'de')} zu einer Meldung (${channels.join(', ')}).`,
      en: ({ within, channels }) =>
        `Logs are watched continuously: lines that tell of attacks and errors become an alert within ${formatDuration(within, 'en')} (${channels.join(', ')}).`,
    },
    async prove({ check, positiveControl }) {
      const [attack, failure, quiet] = ['attack', 'failure', 'quiet'].map(
        (kind) => `canary-${kind}-${randomUUID()}`,
      )
      const alerts = async () =>
        (await parts.alerts.list(200)).map(({ name }) => name).filter((name) => planted.includes(name))
      const planted = [attack, `error:${failure}`, `error:${quiet}`] as string[]
      try {
        positiveControl('alerts of these names before', [], await alerts())
        log.child({ module: quiet }).info({ canary: true }, 'nothing happened')
        log.child({ module: 'probe' }).warn({ canary: true, alarm: attack }, 'a line as of an attack')
        log.child({ module: failure }).error({ canary: true }, 'a line as of a failure')
        const seen = await settled(alerts, (names) => names.length === 2, WITHIN)
        check('lines that became alerts', [attack, `error:${failure}`], seen.sort())
      } finally {
        await dropCanary(stores, planted)
      }
    },
  })
}
