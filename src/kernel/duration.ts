import { z } from 'zod'

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const PATTERN = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/

/**
 * A length of elapsed time in settings: `'250ms'`, `'30s'`, `'5m'`, `'4h'`, `'90d'`. Parses to milliseconds.
 * A day is 24 hours: calendar rules (business days, notice periods) are not durations.
 */
export const duration = z
  .string()
  .regex(PATTERN, 'a duration is a number and a unit: 250ms, 30s, 5m, 4h or 90d')
  .transform((text) => {
    const [, amount, unit] = PATTERN.exec(text) as unknown as [string, string, keyof typeof UNITS]
    return Number(amount) * UNITS[unit]
  })

const NAMES = {
  en: {
    d: ['day', 'days'],
    h: ['hour', 'hours'],
    m: ['minute', 'minutes'],
    s: ['second', 'seconds'],
    ms: ['millisecond', 'milliseconds'],
  },
  de: {
    d: ['Tag', 'Tage'],
    h: ['Stunde', 'Stunden'],
    m: ['Minute', 'Minuten'],
    s: ['Sekunde', 'Sekunden'],
    ms: ['Millisekunde', 'Millisekunden'],
  },
} as const

/** Languages every claim and page is written in. */
export type Language = 'de' | 'en'

/**
 * `ms` as a reader's phrase in the largest unit that keeps it whole: `formatDuration(14_400_000, 'de')` is `'4 Stunden'`.
 */
export function formatDuration(ms: number, language: Language): string {
  const unit =
    (['d', 'h', 'm', 's'] as const).find((name) => ms >= UNITS[name] && ms % UNITS[name] === 0) ?? 'ms'
  const amount = Math.round(ms / UNITS[unit])
  const [one, many] = NAMES[language][unit]
  return `${amount} ${amount === 1 ? one : many}`
}
