import type { FastifyPluginAsync } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { RouteGroup } from '../../kernel/routes.ts'
import type { DecisionLog } from './decisionLog.ts'
import { type Register, registerSchema } from './register.ts'

const DecisionAnswer = z.object({
  at: z.iso.datetime(),
  by: z.enum(['client', 'proxy']),
  caller: z.string(),
  host: z.string(),
  port: z.number(),
  verdict: z.enum(['allowed', 'reported', 'refused']),
  reason: z.string(),
})

/** What operators see of the way out. */
export function egressRoutes(register: Register, decisions: DecisionLog): RouteGroup {
  const tags = ['egress']
  const config = { permission: 'egress.read' }
  const plugin: FastifyPluginAsyncZod = async (app) => {
    app.get(
      '/api/v1/egress/register',
      {
        config,
        schema: { tags, summary: 'Whom this deployment may call', response: { 200: registerSchema } },
      },
      async () => register,
    )
    app.get(
      '/api/v1/egress/decisions',
      {
        config,
        schema: {
          tags,
          summary: 'Connections out of the machine that answers, allowed and refused, newest first',
          querystring: z.object({ most: z.coerce.number().int().min(1).max(1_000).default(100) }),
          response: { 200: z.array(DecisionAnswer) },
        },
      },
      async (request) => decisions.recent(request.query.most),
    )
  }
  return { audience: 'admin', plugin: plugin as unknown as FastifyPluginAsync }
}
