import { readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { defineProblem, preferredLanguage } from '../../src/index.ts'
import {
  findPerformance,
  findSponsor,
  listArtists,
  listPerformances,
  listSponsors,
  listStages,
  listVenues,
} from './catalogue.ts'
import { lineupPage } from './page.ts'
import { PICTURE_TYPES } from './pictures.ts'

const notFound = defineProblem({
  code: 'not-published',
  status: 404,
  title: 'Nothing like that is published',
})

const id = z.uuid()
const page = z.object({
  after: id.default('00000000-0000-0000-0000-000000000000').describe('Continue after this id'),
  limit: z.coerce.number().int().min(1).max(200).default(100),
})
const window = z.object({
  from: z.iso.datetime({ offset: true }).default('0001-01-01T00:00:00Z').transform(instant),
  until: z.iso.datetime({ offset: true }).default('9999-01-01T00:00:00Z').transform(instant),
  limit: z.coerce.number().int().min(1).max(1_000).default(200),
})
const Artist = z.object({
  id,
  name: z.string(),
  country: z.string().nullable(),
  genres: z.array(z.string()),
  website: z.string().nullable(),
})
const Venue = z.object({ id, name: z.string(), city: z.string().nullable(), timeZone: z.string() })
const Stage = z.object({ id, venueId: id, name: z.string() })
const Sponsor = z.object({
  id,
  name: z.string(),
  tier: z.enum(['main', 'partner']),
  website: z.string().nullable(),
  pictureAlt: z.string().nullable(),
  pictureWidth: z.number().nullable(),
  pictureHeight: z.number().nullable(),
})
const Performance = z.object({
  id,
  title: z.string().nullable(),
  startsAt: z.date(),
  endsAt: z.date(),
  artistId: id,
  artist: z.string(),
  country: z.string().nullable(),
  genres: z.array(z.string()),
  stageId: id,
  stage: z.string(),
  venue: z.string(),
  city: z.string().nullable(),
  timeZone: z.string(),
})

/** What visitors of a festival's own host can see: the line-up page and a read-only API. */
export const festivalRoutes: FastifyPluginAsyncZod = async (app) => {
  const css = await readFile(new URL('./festival.css', import.meta.url), 'utf8')
  const config = { public: true }

  app.get('/', { config }, async (request, reply) => {
    const { tenant, headers } = request
    const [performances, sponsors] = await Promise.all([
      tenant.query(listPerformances, { ...window.parse({}), limit: 1_000 }),
      tenant.query(listSponsors, page.parse({})),
    ])
    return reply
      .type('text/html; charset=utf-8')
      .header('vary', 'accept-language')
      .send(lineupPage(preferredLanguage(headers['accept-language']), tenant.name, performances, sponsors))
  })
  app.get('/festival.css', { config }, async (_request, reply) =>
    reply.type('text/css; charset=utf-8').send(css),
  )

  const list = (of: z.ZodType, summary: string) => ({
    config,
    schema: { tags: ['line-up'], summary, querystring: page, response: { 200: z.array(of) } },
  })
  app.get('/api/v1/artists', list(Artist, 'Artists'), async ({ tenant, query }) =>
    tenant.query(listArtists, query),
  )
  app.get('/api/v1/venues', list(Venue, 'Venues'), async ({ tenant, query }) =>
    tenant.query(listVenues, query),
  )
  app.get('/api/v1/stages', list(Stage, 'Stages'), async ({ tenant, query }) =>
    tenant.query(listStages, query),
  )
  app.get('/api/v1/sponsors', list(Sponsor, 'Sponsors'), async ({ tenant, query }) =>
    tenant.query(listSponsors, query),
  )
  app.get(
    '/api/v1/performances',
    {
      config,
      schema: {
        tags: ['line-up'],
        summary: 'Published performances in order of time',
        querystring: window,
        response: { 200: z.array(Performance) },
      },
    },
    async ({ tenant, query }) => tenant.query(listPerformances, query),
  )
  app.get(
    '/api/v1/performances/:id',
    {
      config,
      schema: {
        tags: ['line-up'],
        summary: 'One published performance',
        params: z.object({ id }),
        response: { 200: Performance },
      },
    },
    async ({ tenant, params }) => {
      const [found] = await tenant.query(findPerformance, params)
      if (!found) throw notFound('There is no such performance.')
      return found
    },
  )
  app.get(
    '/api/v1/sponsors/:id/picture',
    { config, schema: { tags: ['line-up'], summary: "A sponsor's picture", params: z.object({ id }) } },
    async ({ tenant, params }, reply) => {
      const [found] = await tenant.query(findSponsor, params)
      if (!found?.picture) throw notFound('There is no such picture.')
      const { stream, size } = await tenant.files.open(found.picture)
      return reply
        .type(PICTURE_TYPES[extname(found.picture).slice(1)] ?? 'application/octet-stream')
        .header('content-length', size)
        .header('cache-control', 'public, max-age=300')
        .send(stream)
    },
  )
}

function instant(text: string): Date {
  return new Date(text)
}
