import { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { defineProblem } from '../../kernel/problems.ts'
import type { Act } from './record.ts'
import type { Position, Trail, TrailEntry, TrailFilter } from './trail.ts'

const badCursor = defineProblem({ code: 'cursor-invalid', status: 400, title: 'Not a cursor of this list' })

const Entry = z.object({
  id: z.uuid(),
  at: z.string(),
  who: z.string().describe('member:<id>, with +operator:<id> for an act in that name; empty: nobody named'),
  login: z.string().describe('The database role'),
  act: z.string().describe('INSERT, UPDATE, DELETE, TRUNCATE, or an act that a module told'),
  target: z.string(),
  before: z.record(z.string(), z.unknown()).nullable(),
  after: z.record(z.string(), z.unknown()).nullable(),
})

const Filter = z.object({
  since: z.iso.datetime({ offset: true }).optional(),
  until: z.iso.datetime({ offset: true }).optional(),
  who: z
    .string()
    .regex(/^(member|operator|staff|system):[a-z0-9_.-]{1,63}$/)
    .optional()
    .describe('Also finds acts in the name of somebody else'),
  act: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9.-]{2,59}$/)
    .optional(),
  target: z.string().max(300).optional(),
  row: z.string().max(100).optional().describe('The id of the row that was changed'),
})

/** Entries in one page of an export. */
const PAGE = 500

/** Reading a trail: filtered, in pages, or all of it as lines of JSON. An export is itself noted. */
export function trailRoutes(
  trailOf: (request: FastifyRequest) => Trail,
  note: (request: FastifyRequest, act: Act) => Promise<void>,
): FastifyPluginAsyncZod {
  const tags = ['audit']
  const config = { permission: 'audit.read' }
  return async (app) => {
    app.get(
      '/api/v1/audit',
      {
        config,
        schema: {
          tags,
          summary: 'Who did what, newest first',
          querystring: Filter.extend({
            limit: z.coerce.number().int().min(1).max(200).default(50),
            cursor: z.string().max(200).optional(),
          }),
          response: { 200: z.object({ entries: z.array(Entry), next: z.string().nullable() }) },
        },
      },
      async (request) => {
        const { limit, cursor, ...filter } = request.query
        const after = cursor === undefined ? undefined : parseCursor(cursor)
        const entries = await trailOf(request).page(filter, limit, after)
        const last = entries.at(-1)
        return { entries, next: last && entries.length === limit ? formatCursor(last) : null }
      },
    )
    app.get(
      '/api/v1/audit/export',
      {
        config: { ...config, limit: { cost: 10 } },
        schema: { tags, summary: 'The same as lines of JSON (NDJSON), all of it', querystring: Filter },
      },
      async (request, reply) => {
        const filter = request.query
        await note(request, { act: 'audit.export', target: 'audit trail', details: filter })
        return reply
          .headers({
            'content-disposition': 'attachment; filename="audit.ndjson"',
            'cache-control': 'no-store',
          })
          .type('application/x-ndjson; charset=utf-8')
          .send(Readable.from(lines(trailOf(request), filter)))
      },
    )
  }
}

async function* lines(trail: Trail, filter: TrailFilter): AsyncGenerator<string> {
  let after: Position | undefined
  for (;;) {
    const entries = await trail.page(filter, PAGE, after)
    if (entries.length > 0) yield `${entries.map((entry) => JSON.stringify(entry)).join('\n')}\n`
    after = entries.at(-1)
    if (entries.length < PAGE) return
  }
}

const Cursor = z.tuple([z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/), z.uuid()])

function formatCursor({ at, id }: TrailEntry): string {
  return Buffer.from(JSON.stringify([at, id])).toString('base64url')
}

function parseCursor(text: string): Position {
  try {
    const [at, id] = Cursor.parse(JSON.parse(Buffer.from(text, 'base64url').toString()))
    return { at, id }
  } catch (cause) {
    throw badCursor('Take it from `next` of the page before.', { cause })
  }
}
