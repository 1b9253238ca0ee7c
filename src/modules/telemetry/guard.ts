import type { FastifyPluginAsync } from 'fastify'
import type { Log } from '../../kernel/log.ts'
import type { Audience } from '../../kernel/routes.ts'
import type { Analytics } from './analytics.ts'
import type { Metrics } from './metrics.ts'

interface GuardParts {
  log: Log
  metrics: Metrics
  analytics: Analytics
  /** What somebody is called in a log. */
  pseudonym(id: string): string
}

/** Writes a line about each answered request: which route, never the path, the query or a body. */
export function telemetryGuard(audience: Audience, parts: GuardParts): FastifyPluginAsync {
  const { log, metrics, analytics, pseudonym } = parts
  return async (app) => {
    app.addHook('onResponse', async (request, reply) => {
      const { id: requestId, method } = request
      const route = request.routeOptions.url ?? 'none'
      const status = reply.statusCode
      metrics.observe({ audience, method, route, status, seconds: reply.elapsedTime / 1_000 })
      const person = (request.member ?? request.operator)?.person.id
      log.info(
        {
          kind: 'request',
          requestId,
          audience,
          method,
          route,
          status,
          ms: Math.round(reply.elapsedTime),
          tenantId: request.tenant?.id,
          person: person && pseudonym(person),
        },
        'request',
      )
      const member = request.member?.person
      if (member && !request.tenant.canary && status < 400)
        analytics.note({ tenantId: request.tenant.id, personId: member.id, event: `${method} ${route}` })
    })
  }
}
