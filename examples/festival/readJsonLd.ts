import { z } from 'zod'
import { badLineup, checkLineup, type LineupRow } from './lineup.ts'

const one = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (Array.isArray(value) ? value[0] : value), schema)
const many = <T extends z.ZodType>(schema: T) =>
  z.preprocess(
    (value) => (value === undefined ? [] : Array.isArray(value) ? value : [value]),
    z.array(schema),
  )

const Place = z.object({
  name: z.string(),
  address: z.object({ addressLocality: z.string().optional() }).optional(),
  containedInPlace: z
    .object({ name: z.string(), address: z.object({ addressLocality: z.string().optional() }).optional() })
    .optional(),
})
const MusicEvent = z.object({
  '@type': one(z.enum(['MusicEvent', 'Event'])),
  name: z.string().optional(),
  startDate: z.string(),
  endDate: z.string(),
  eventStatus: z.string().optional(),
  performer: one(
    z.object({
      name: z.string(),
      genre: many(z.string()),
      nationality: z.object({ name: z.string() }).optional(),
    }),
  ),
  location: Place,
})
const Festival = z.object({ '@type': one(z.literal('Festival')), subEvent: many(MusicEvent) })

/**
 * Reads a line-up from JSON-LD: a schema.org `Festival` with a `MusicEvent` for each performance, its stage as
 * `location` and the venue as the stage's `containedInPlace`. What is cancelled is left out.
 */
export function readJsonLd(source: string): LineupRow[] {
  let document: unknown
  try {
    document = JSON.parse(source)
  } catch (cause) {
    throw badLineup(`It is no JSON: ${(cause as Error).message}`, { cause })
  }
  const parsed = Festival.safeParse(document)
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
    throw badLineup(faults.join('\n'), { extensions: { faults } })
  }
  const events = parsed.data.subEvent.filter(({ eventStatus }) => !eventStatus?.endsWith('EventCancelled'))
  return checkLineup(events.map(rowOf), (i) => `subEvent ${parsed.data.subEvent.indexOf(events[i] as never)}`)
}

function rowOf({ name, startDate, endDate, performer, location }: z.output<typeof MusicEvent>) {
  const venue = location.containedInPlace ?? location
  const country = performer.nationality?.name
  return {
    artist: performer.name,
    ...(country && /^[A-Z]{2}$/.test(country) ? { country } : {}),
    genres: performer.genre,
    venue: venue.name,
    city: venue.address?.addressLocality ?? location.address?.addressLocality,
    timeZone: 'Europe/Berlin',
    stage: location.name,
    startsAt: startDate,
    endsAt: endDate,
    title: name === performer.name ? undefined : name,
    published: true,
  }
}
