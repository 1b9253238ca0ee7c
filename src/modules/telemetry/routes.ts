import type { FastifyPluginAsync } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { RouteGroup } from '../../kernel/routes.ts'
import type { Alerts } from './alerts.ts'
import type { Analytics } from './analytics.ts'
import type { Metrics } from './metrics.ts'

const AlertAnswer = z.object({
  id: z.uuid(),
  name: z.string(),
  details: z.record(z.string(), z.unknown()),
  canary: z.boolean(),
  lasting: z.boolean(),
  times: z.number(),
  firedAt: z.iso.datetime(),
  lastAt: z.iso.datetime(),
  clearedAt: z.iso.datetime().nullable(),
})

const VisitsAnswer = z.object({
  day: z.iso.date(),
  tenantId: z.uuid(),
  event: z.string(),
  visitors: z.number(),
  times: z.number(),
})

/** What operators and their Prometheus see. */
export function telemetryRoutes(parts: {
  alerts: Alerts
  analytics: Analytics
  metrics: Metrics
}): RouteGroup {
  const tags = ['telemetry']
  const config = { permission: 'telemetry.read' }
  const plugin: FastifyPluginAsyncZod = async (app) => {
    app.get(
      '/api/v1/metrics',
      {
        config,
        schema: { tags, summary: 'Metrics of the process that answers, in the text format of Prometheus' },
      },
      async (_request, reply) => reply.type(parts.metrics.contentType).send(await parts.metrics.text()),
    )
    app.get(
      '/api/v1/alerts',
      {
        config,
        schema: {
          tags,
          summary: 'What people were to be told, newest first',
          querystring: z.object({ most: z.coerce.number().int().min(1).max(1_000).default(100) }),
          response: { 200: z.array(AlertAnswer) },
        },
      },
      async (request) => parts.alerts.list(request.query.most),
    )
    app.get(
      '/api/v1/analytics',
      {
        config,
        schema: {
          tags,
          summary: 'Which routes are used, by how many people, by day and tenant',
          querystring: z.object({ days: z.coerce.number().int().min(1).max(366).default(30) }),
          response: { 200: z.array(VisitsAnswer) },
        },
      },
      async (request) => parts.analytics.list(request.query.days),
    )
  }
  return { audience: 'admin', plugin: plugin as unknown as FastifyPluginAsync }
}
