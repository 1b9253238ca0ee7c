import { boolean, integer, text, timestamp, uuid } from 'drizzle-orm/pg-core'
import { secret, tenantTable } from '../../src/index.ts'

const id = () => uuid().notNull()
const instant = (name: string) => timestamp(name, { withTimezone: true }).notNull()

export const venue = tenantTable('venue', {
  id: id(),
  name: text().notNull(),
  city: text(),
  /** IANA name: times on the page are the venue's. */
  timeZone: text('time_zone').notNull(),
})

export const stage = tenantTable('stage', {
  id: id(),
  venueId: uuid('venue_id').notNull(),
  name: text().notNull(),
})

export const artist = tenantTable('artist', {
  id: id(),
  name: text().notNull(),
  /** ISO 3166-1 alpha-2. */
  country: text(),
  genres: text().array().notNull(),
  website: text(),
})

export const performance = tenantTable('performance', {
  id: id(),
  artistId: uuid('artist_id').notNull(),
  stageId: uuid('stage_id').notNull(),
  title: text(),
  startsAt: instant('starts_at'),
  endsAt: instant('ends_at'),
  published: boolean().notNull(),
})

export const sponsor = tenantTable('sponsor', {
  id: id(),
  name: text().notNull(),
  tier: text({ enum: ['main', 'partner'] }).notNull(),
  website: text(),
  /** Path in the tenant's files. */
  picture: text(),
  pictureAlt: text('picture_alt'),
  /** Pixels. */
  pictureWidth: integer('picture_width'),
  pictureHeight: integer('picture_height'),
})

/** Where a festival posts its news. */
export const socialAccount = tenantTable('social_account', {
  id: id(),
  platform: text({ enum: ['bluesky', 'instagram', 'mastodon'] }).notNull(),
  handle: text().notNull(),
  /** Lets us post in the festival's name. */
  accessToken: secret('access_token', ['id', 'platform']),
})
