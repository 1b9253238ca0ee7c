import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { JobsApi } from './job.ts'

const Counts = z.object({
  kind: z.string(),
  waiting: z.number(),
  running: z.number(),
  delayed: z.number(),
  dead: z.number(),
  progress: z.array(
    z.object({ id: z.string(), tenant: z.string().nullable(), done: z.number(), total: z.number() }),
  ),
})
const Dead = z.object({
  kind: z.string(),
  id: z.string(),
  tenant: z.string().nullable(),
  attempts: z.number(),
  reason: z.string(),
  diedAt: z.iso.datetime(),
})
const one = z.object({
  kind: z.string().regex(/^[a-z0-9.-]{1,60}$/),
  id: z.string().regex(/^[a-z0-9-]{1,80}$/),
})
const tags = ['jobs']
const nothing = { 204: z.null().describe('Done') }

/** Operators' view of background work. */
export function jobRoutes(jobs: JobsApi): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/api/v1/jobs',
      {
        config: { permission: 'jobs.read' },
        schema: { tags, summary: 'Jobs by kind and where they stand', response: { 200: z.array(Counts) } },
      },
      () => jobs.counts(),
    )
    app.get(
      '/api/v1/jobs/dead',
      {
        config: { permission: 'jobs.read' },
        schema: {
          tags,
          summary: 'Jobs that were given up, newest first',
          querystring: z.object({ limit: z.coerce.number().int().min(1).max(500).default(100) }),
          response: { 200: z.array(Dead) },
        },
      },
      (request) => jobs.dead(request.query.limit),
    )
    app.post(
      '/api/v1/jobs/dead/:kind/:id/retry',
      {
        config: { permission: 'jobs.manage' },
        schema: { tags, summary: 'Try a job again that was given up', params: one, response: nothing },
      },
      async (request, reply) => {
        await jobs.retry(request.params.kind, request.params.id)
        return reply.code(204).send(null)
      },
    )
    app.delete(
      '/api/v1/jobs/dead/:kind/:id',
      {
        config: { permission: 'jobs.manage' },
        schema: { tags, summary: 'Remove a job that was given up', params: one, response: nothing },
      },
      async (request, reply) => {
        await jobs.discard(request.params.kind, request.params.id)
        return reply.code(204).send(null)
      },
    )
  }
}
