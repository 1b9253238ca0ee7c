import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Database } from '../../data/index.ts'
import type { Clock } from '../../kernel/clock.ts'
import { listReviews, signReview } from './review.ts'

const Line = z.object({
  id: z.string(),
  at: z.string(),
  who: z.string(),
  act: z.string(),
  target: z.string(),
})
const Review = z.object({
  id: z.uuid(),
  from: z.string(),
  to: z.string(),
  dueAt: z.string(),
  entries: z.number(),
  sample: z.array(Line),
  signedAt: z.string().nullable(),
  signedBy: z.string().nullable(),
  own: z.number().nullable().describe("Lines of the sample that are the signer's own access"),
  notes: z.string().nullable(),
})

/** Operators look at samples of administrative access, and sign that they did. */
export function reviewRoutes(control: Database, clock: Clock): FastifyPluginAsyncZod {
  const tags = ['audit']
  return async (app) => {
    app.get(
      '/api/v1/audit/reviews',
      {
        config: { permission: 'audit.read' },
        schema: {
          tags,
          summary: 'Reviews of administrative access, newest first',
          response: { 200: z.array(Review) },
        },
      },
      () => listReviews(control),
    )
    app.post(
      '/api/v1/audit/reviews/:id/signature',
      {
        config: { permission: 'audit.review', recent: true },
        schema: {
          tags,
          summary: 'Sign a review: what was looked at, and what came of it',
          params: z.object({ id: z.uuid() }),
          body: z.object({ notes: z.string().trim().min(1).max(5_000) }),
          response: { 204: z.null().describe('Done') },
        },
      },
      async (request, reply) => {
        const by = request.operator?.person.id as string
        await signReview(control, request.params.id, { by, at: clock.now(), notes: request.body.notes })
        return reply.code(204).send(null)
      },
    )
  }
}
