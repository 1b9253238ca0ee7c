import { formatDuration } from '../../../kernel/duration.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import { networkOf } from '../address.ts'
import type { MeasureParts } from '../measures.ts'
import { attemptFrom, strangeAddress, sweep } from '../probing.ts'

/** FSTV-13. Who is woken by the alarm is for the module that carries alarms. */
export function monitorIntrusion({ settings, parts, stores, edge, tenancy }: MeasureParts): Measure {
  const { intrusionAt: at, intrusionWindow: within, attemptsPerAddress } = settings
  const { control, redis } = stores
  return measure({
    key: 'monitor.intrusion',
    sources: ['FSTV-13'],
    family: 'system-access',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.8.15', 'A.8.16'] },
    settings: { at, within },
    claim: {
      de: ({ at: n, within: ms }) =>
        `Zugriffsversuche werden überwacht: der ${n}. abgewiesene Versuch eines Netzes binnen ${formatDuration(ms, 'de')} wird als Vorfall festgehalten und gemeldet.`,
      en: ({ at: n, within: ms }) =>
        `Attempts at access are watched: refused attempt number ${n} of one network within ${formatDuration(ms, 'en')} is recorded as an event and raised as an alarm.`,
    },
    async prove({ check, positiveControl }) {
      for (const { model, a } of await tenancy.canaries.open()) {
        const from = strangeAddress(6)
        const network = parts.hasher.hash(networkOf(from))
        const events = async () =>
          control.query<{ attempts: number; tenant: string }>(
            'SELECT attempts, tenant_id AS tenant FROM limits.intrusion WHERE network = $1',
            [network],
          )
        try {
          // Attempts that fit no schema are refused as such (400) and count only once they are too many (429).
          const attempt = async (count: number) => {
            for (let n = 0; n < count; n += 1) await attemptFrom(edge, a, from)
          }
          await attempt(attemptsPerAddress + at - 1)
          positiveControl(`${model}: events after ${at - 1} refused attempts`, [], await events())
          await attempt(3)
          check(`${model}: events after ${at + 2}`, [{ attempts: at, tenant: a.id }], await settled(events))
        } finally {
          await sweep(redis, [network])
          await stores.asMigrator('a probe removes the event it caused', (client) =>
            client.query('DELETE FROM limits.intrusion WHERE network = $1', [network]),
          )
        }
      }
    },
  })
}

/** The event is written after the answer was sent. */
async function settled<T>(ask: () => Promise<T[]>): Promise<T[]> {
  for (let tries = 0; tries < 40; tries += 1) {
    const found = await ask()
    if (found.length > 0) return found
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return ask()
}
