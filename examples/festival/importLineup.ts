import { sql } from 'drizzle-orm'
import { newId, type Tenant, type TenantDatabase } from '../../src/index.ts'
import type { LineupRow } from './lineup.ts'
import { artist, performance, stage, venue } from './tables.ts'

/** What an import did, by kind. */
export interface Imported {
  artists: number
  stages: number
  performances: number
}

/**
 * Takes a checked line-up over, all of it or nothing. What is known by its name (or by stage and beginning) is changed,
 * the rest is added, nothing is removed: importing a file twice is the same as once.
 */
export async function importLineup(tenant: Tenant, rows: readonly LineupRow[]): Promise<Imported> {
  return tenant.transaction(async (db) => {
    const venues = await keepVenues(db, rows)
    const stages = await keepStages(db, rows, venues)
    const artists = await keepArtists(db, rows)
    const values = rows.map((row) => ({
      id: newId(),
      artistId: artists.get(row.artist) as string,
      stageId: stages.get(stageKey(row)) as string,
      title: row.title ?? null,
      startsAt: row.startsAt,
      endsAt: row.endsAt,
      published: row.published,
    }))
    await db
      .insert(performance)
      .values(values)
      .onConflictDoUpdate({
        target: [performance.tenantId, performance.stageId, performance.startsAt],
        set: {
          artistId: sql`excluded.artist_id`,
          title: sql`excluded.title`,
          endsAt: sql`excluded.ends_at`,
          published: sql`excluded.published`,
        },
      })
    return { artists: artists.size, stages: stages.size, performances: values.length }
  })
}

const stageKey = ({ venue, stage }: LineupRow) => `${venue}\n${stage}`

async function keepVenues(db: TenantDatabase, rows: readonly LineupRow[]): Promise<Map<string, string>> {
  const byName = new Map(rows.map((row) => [row.venue, row]))
  const kept = await db
    .insert(venue)
    .values(
      [...byName].map(([name, { city, timeZone }]) => ({ id: newId(), name, city: city ?? null, timeZone })),
    )
    .onConflictDoUpdate({
      target: [venue.tenantId, venue.name],
      set: { city: sql`coalesce(excluded.city, ${venue.city})`, timeZone: sql`excluded.time_zone` },
    })
    .returning({ id: venue.id, name: venue.name })
  return new Map(kept.map(({ id, name }) => [name, id]))
}

async function keepStages(
  db: TenantDatabase,
  rows: readonly LineupRow[],
  venues: ReadonlyMap<string, string>,
): Promise<Map<string, string>> {
  const byKey = new Map(rows.map((row) => [stageKey(row), row]))
  const wanted = [...byKey].map(([key, row]) => ({
    key,
    id: newId(),
    venueId: venues.get(row.venue) as string,
    name: row.stage,
  }))
  const kept = await db
    .insert(stage)
    .values(wanted.map(({ id, venueId, name }) => ({ id, venueId, name })))
    .onConflictDoUpdate({
      target: [stage.tenantId, stage.venueId, stage.name],
      set: { name: sql`excluded.name` },
    })
    .returning({ id: stage.id, venueId: stage.venueId, name: stage.name })
  const ids = new Map(kept.map(({ id, venueId, name }) => [`${venueId}\n${name}`, id]))
  return new Map(wanted.map(({ key, venueId, name }) => [key, ids.get(`${venueId}\n${name}`) as string]))
}

async function keepArtists(db: TenantDatabase, rows: readonly LineupRow[]): Promise<Map<string, string>> {
  const byName = new Map(rows.map((row) => [row.artist, row]))
  const kept = await db
    .insert(artist)
    .values(
      [...byName].map(([name, { country, genres }]) => ({
        id: newId(),
        name,
        country: country ?? null,
        genres,
      })),
    )
    .onConflictDoUpdate({
      target: [artist.tenantId, artist.name],
      set: { country: sql`coalesce(excluded.country, ${artist.country})`, genres: sql`excluded.genres` },
    })
    .returning({ id: artist.id, name: artist.name })
  return new Map(kept.map(({ id, name }) => [name, id]))
}
