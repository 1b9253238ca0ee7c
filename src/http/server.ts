import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import Fastify, { type FastifyError, type FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import {
  hasZodFastifySchemaValidationErrors,
  serializerCompiler,
  validatorCompiler,
} from 'fastify-type-provider-zod'
import { newId } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import { defineProblem, Problem, type ProblemDetails } from '../kernel/problems.ts'
import type { RouteGroup } from '../kernel/routes.ts'
import { requestHost } from './host.ts'

const invalidInput = defineProblem({ code: 'invalid-input', status: 400, title: 'The request is not valid' })
const noRoute = defineProblem({ code: 'not-found', status: 404, title: 'Not found' })
const refused = defineProblem({ code: 'request-refused', status: 400, title: 'The request was refused' })
const internal = defineProblem({ code: 'internal', status: 500, title: 'Something went wrong here' })
const misdirected = defineProblem({
  code: 'misdirected',
  status: 421,
  title: 'Not a host of this deployment',
})

/** Headers of every answer. `style-src 'self'` and no script: the public pages need none. */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
}

/** A server that has not yet begun to listen. */
export interface HttpServer {
  /** Returns the port. 0 asks for any free one. */
  listen(port: number): Promise<number>
  /** Refuses new connections, finishes requests under way, closes. */
  close(): Promise<void>
}

/**
 * The public trust center on `trustHost`; every other host is refused with 421. Listens on the loopback address: a
 * reverse proxy ends TLS. `ready` answers `/readyz`; `/healthz` answers while the process lives.
 */
export async function createServer(options: {
  routes: readonly RouteGroup[]
  guards: readonly RouteGroup[]
  trustHost: string
  ready(): Promise<boolean>
  log: Log
}): Promise<HttpServer> {
  const health = await createHealth(options.ready)
  const trust = await createAudience('trust', options)
  let draining = false
  const server = createHttpServer((request, response) => {
    if (draining) response.setHeader('connection', 'close')
    response.once('finish', () => draining && setImmediate(() => server.closeIdleConnections()))
    if (request.url === '/healthz' || request.url === '/readyz') return health.routing(request, response)
    const host = requestHost(request)
    if (host === options.trustHost) return trust.routing(request, response)
    refuse(request, response, host)
  })
  server.requestTimeout = 30_000
  server.headersTimeout = 10_000
  return {
    listen: (port) =>
      new Promise((resolve, reject) => {
        server.once('error', reject)
        server.listen(port, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
      }),
    async close() {
      draining = true
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeIdleConnections()
      await closed
      await Promise.all([health.close(), trust.close()])
    },
  }
}

async function createAudience(
  audience: RouteGroup['audience'],
  options: { routes: readonly RouteGroup[]; guards: readonly RouteGroup[]; log: Log },
): Promise<FastifyInstance> {
  const app = Fastify({ bodyLimit: 1_048_576, genReqId: newId, routerOptions: { maxParamLength: 200 } })
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ ...HEADERS, 'x-request-id': request.id })
  })
  app.setNotFoundHandler((request) => {
    throw noRoute(`Nothing answers ${request.method} here.`)
  })
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const problem = toProblem(error)
    if (problem.status >= 500) options.log.error({ err: error, requestId: request.id }, 'request failed')
    return reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem.details()))
  })
  for (const guard of options.guards) if (guard.audience === audience) await app.register(fp(guard.plugin))
  for (const group of options.routes) if (group.audience === audience) await app.register(group.plugin)
  await app.ready()
  return app
}

async function createHealth(ready: () => Promise<boolean>): Promise<FastifyInstance> {
  const app = Fastify()
  app.get('/healthz', async () => ({ status: 'ok' }))
  app.get('/readyz', async (_request, reply) => {
    const ok = await ready().catch(() => false)
    return reply.code(ok ? 200 : 503).send({ status: ok ? 'ready' : 'not-ready' })
  })
  await app.ready()
  return app
}

function toProblem(error: FastifyError | Problem): Problem {
  if (error instanceof Problem) return error
  if (hasZodFastifySchemaValidationErrors(error)) {
    const issues = error.validation.map(({ instancePath, message }) => ({ path: instancePath, message }))
    return invalidInput('The request does not fit what this route takes.', { extensions: { issues } })
  }
  const status = error.statusCode ?? 500
  return status >= 400 && status < 500
    ? new Problem({ code: 'request-refused', status, title: 'The request was refused' }, messageOf(error))
    : internal('The error was logged; try again later.')
}

/** Only Fastify's own sentences are written for callers; another error's may hold what is not theirs. */
function messageOf(error: FastifyError): string {
  return error.code?.startsWith('FST_ERR_') ? error.message : 'The request was refused.'
}

function refuse(request: IncomingMessage, response: ServerResponse, host: string | undefined): void {
  const problem = host
    ? misdirected('Use the host name that this deployment published.')
    : refused('One valid Host header is needed.')
  const details: ProblemDetails = problem.details()
  request.resume()
  response.writeHead(problem.status, { ...HEADERS, 'content-type': 'application/problem+json' })
  response.end(JSON.stringify(details))
}
