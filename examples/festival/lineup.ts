import { z } from 'zod'
import { defineProblem } from '../../src/index.ts'

/** One performance as an organiser hands it in, with everything it refers to by name. */
export interface LineupRow {
  artist: string
  country?: string
  genres: string[]
  venue: string
  city?: string
  timeZone: string
  stage: string
  startsAt: Date
  endsAt: Date
  title?: string
  published: boolean
}

export const badLineup = defineProblem({
  code: 'lineup-invalid',
  status: 400,
  title: 'The line-up cannot be imported',
})

const text = z
  .string()
  .trim()
  .min(1)
  .max(200)
  .regex(/^\P{Cc}+$/u, 'no control characters')
const optional = z.preprocess((value) => (value === '' ? undefined : value), text.optional())
const instant = z.iso
  .datetime({ offset: true, error: 'an instant with its offset, such as 2026-07-17T18:00:00+02:00' })
  .transform((value) => new Date(value))

const Row = z
  .object({
    artist: text,
    country: z.preprocess(
      (value) => (value === '' ? undefined : value),
      z
        .string()
        .regex(/^[A-Z]{2}$/, 'a country is two capital letters (ISO 3166-1)')
        .optional(),
    ),
    genres: z.array(text).max(20),
    venue: text,
    city: optional,
    timeZone: z.string().refine(isTimeZone, 'a time zone such as Europe/Berlin'),
    stage: text,
    startsAt: instant,
    endsAt: instant,
    title: optional,
    published: z.boolean(),
  })
  .refine(({ startsAt, endsAt }) => !bothKnown(startsAt, endsAt) || endsAt > startsAt, {
    path: ['endsAt'],
    error: 'it ends before it begins',
  })

/**
 * Checks rows as they were read. Throws one Problem `lineup-invalid` that names every fault with its row; `place` says
 * where row `i` stands in the source. A stage holds one performance at a time.
 */
export function checkLineup(rows: readonly unknown[], place: (i: number) => string): LineupRow[] {
  const faults: string[] = []
  const sound: LineupRow[] = []
  const parsed = rows.map((row) => Row.safeParse(row))
  for (const [i, result] of parsed.entries()) {
    if (result.success) sound.push(result.data)
    else
      faults.push(
        ...result.error.issues.map((issue) => `${place(i)}: ${issue.path.join('.')}: ${issue.message}`),
      )
  }
  if (faults.length === 0) faults.push(...overlaps(sound, place))
  if (sound.length === 0 && faults.length === 0) faults.push('There is no performance in it.')
  if (faults.length > 0) throw badLineup(faults.join('\n'), { extensions: { faults } })
  return sound
}

function overlaps(rows: readonly LineupRow[], place: (i: number) => string): string[] {
  const byTime = [...rows.entries()].sort(([, a], [, b]) => a.startsAt.getTime() - b.startsAt.getTime())
  const last = new Map<string, [number, LineupRow]>()
  const faults: string[] = []
  for (const [i, row] of byTime) {
    const stage = `${row.venue}\n${row.stage}`
    const before = last.get(stage)
    if (before && before[1].endsAt > row.startsAt)
      faults.push(`${place(i)}: ${row.stage} still belongs to ${before[1].artist} (${place(before[0])})`)
    if (!before || before[1].endsAt < row.endsAt) last.set(stage, [i, row])
  }
  return faults
}

/** The rule on both is asked even when one of them was not readable. */
const bothKnown = (...instants: unknown[]): boolean => instants.every((one) => one instanceof Date)

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}
