import { and, asc, eq, gt, sql } from 'drizzle-orm'
import { statement } from '../../src/index.ts'
import { artist, performance, sponsor, stage, venue } from './tables.ts'

/** Which part of a list: at most `limit` after the one with the id `after`. */
interface Page extends Record<string, unknown> {
  after: string
  limit: number
}

const after = sql.placeholder('after')
const limit = sql.placeholder('limit')

export const listArtists = statement<Page>()('artists.list', (db) =>
  db
    .select({
      id: artist.id,
      name: artist.name,
      country: artist.country,
      genres: artist.genres,
      website: artist.website,
    })
    .from(artist)
    .where(gt(artist.id, after))
    .orderBy(asc(artist.id))
    .limit(limit),
)

export const listVenues = statement<Page>()('venues.list', (db) =>
  db
    .select({ id: venue.id, name: venue.name, city: venue.city, timeZone: venue.timeZone })
    .from(venue)
    .where(gt(venue.id, after))
    .orderBy(asc(venue.id))
    .limit(limit),
)

export const listStages = statement<Page>()('stages.list', (db) =>
  db
    .select({ id: stage.id, venueId: stage.venueId, name: stage.name })
    .from(stage)
    .where(gt(stage.id, after))
    .orderBy(asc(stage.id))
    .limit(limit),
)

export const listSponsors = statement<Page>()('sponsors.list', (db) =>
  db
    .select({
      id: sponsor.id,
      name: sponsor.name,
      tier: sponsor.tier,
      website: sponsor.website,
      picture: sponsor.picture,
      pictureAlt: sponsor.pictureAlt,
      pictureWidth: sponsor.pictureWidth,
      pictureHeight: sponsor.pictureHeight,
    })
    .from(sponsor)
    .where(gt(sponsor.id, after))
    .orderBy(asc(sponsor.id))
    .limit(limit),
)

const shown = {
  id: performance.id,
  title: performance.title,
  startsAt: performance.startsAt,
  endsAt: performance.endsAt,
  artistId: artist.id,
  artist: artist.name,
  country: artist.country,
  genres: artist.genres,
  stageId: stage.id,
  stage: stage.name,
  venue: venue.name,
  city: venue.city,
  timeZone: venue.timeZone,
}

/** Published performances in order of time, with everything that a visitor wants to read beside them. */
export const listPerformances = statement<{ from: Date; until: Date; limit: number }>()(
  'performances.list',
  (db) =>
    db
      .select(shown)
      .from(performance)
      .innerJoin(artist, eq(artist.id, performance.artistId))
      .innerJoin(stage, eq(stage.id, performance.stageId))
      .innerJoin(venue, eq(venue.id, stage.venueId))
      .where(
        and(
          eq(performance.published, true),
          sql`${performance.startsAt} >= ${sql.placeholder('from')}`,
          sql`${performance.startsAt} < ${sql.placeholder('until')}`,
        ),
      )
      .orderBy(asc(performance.startsAt), asc(performance.id))
      .limit(limit),
)

export const findPerformance = statement<{ id: string }>()('performances.find', (db) =>
  db
    .select(shown)
    .from(performance)
    .innerJoin(artist, eq(artist.id, performance.artistId))
    .innerJoin(stage, eq(stage.id, performance.stageId))
    .innerJoin(venue, eq(venue.id, stage.venueId))
    .where(and(eq(performance.published, true), eq(performance.id, sql.placeholder('id')))),
)

export const findSponsor = statement<{ id: string }>()('sponsors.find', (db) =>
  db
    .select({ picture: sponsor.picture })
    .from(sponsor)
    .where(eq(sponsor.id, sql.placeholder('id'))),
)

/** One line of the line-up as visitors see it. */
export interface ShownPerformance {
  id: string
  title: string | null
  startsAt: Date
  endsAt: Date
  artistId: string
  artist: string
  country: string | null
  genres: string[]
  stageId: string
  stage: string
  venue: string
  city: string | null
  timeZone: string
}
