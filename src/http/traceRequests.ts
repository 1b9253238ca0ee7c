import type { IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'
import type { Audience } from '../kernel/routes.ts'
import { beginSpan, isTracing, parentOf, type Span, within } from '../kernel/trace.ts'

/** What the conventions call by name; every other method is one of many, and clients choose them. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'CONNECT', 'TRACE'])
const methodOf = (method: string): string => (METHODS.has(method) ? method : '_OTHER')

/**
 * One span for each request of `audience`: method, pattern of the route, status and tenant; never the path, the query, the
 * host, a header or who asked. Call it before other hooks are added: what they do, also after the answer, belongs to it.
 */
export function traceRequests(app: FastifyInstance, audience: Audience): void {
  if (!isTracing()) return
  const spans = new WeakMap<IncomingMessage, Span>()
  app.addHook('onRequest', (request, _reply, done) => {
    const span = beginSpan({
      name: methodOf(request.method),
      kind: 'server',
      attributes: {
        'http.request.method': methodOf(request.method),
        'url.scheme': request.protocol,
        'surety.audience': audience,
        'surety.tenant.id': request.tenant?.id,
      },
      parent: parentOf(request.raw),
    })
    if (!span) return done()
    spans.set(request.raw, span)
    within(span, done)
  })
  app.addHook('onResponse', ({ raw, method, routeOptions }, { statusCode }, done) => {
    const span = spans.get(raw)
    if (!span) return done()
    const route = routeOptions.url
    if (route) span.rename(`${methodOf(method)} ${route}`)
    span.set({ 'http.route': route, 'http.response.status_code': statusCode })
    if (statusCode >= 500) span.fail(String(statusCode))
    span.end()
    within(span, done)
  })
}
