import type { IncomingMessage } from 'node:http'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { jsonSchemaTransform, serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod'
import { newId } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import { defineProblem } from '../kernel/problems.ts'
import type { Audience, RouteGroup } from '../kernel/routes.ts'
import type { Tenant } from '../modules/tenancy/index.ts'
import { render, toProblem } from './answers.ts'
import { HEADERS } from './headers.ts'
import { traceRequests } from './traceRequests.ts'

const noRoute = defineProblem({ code: 'not-found', status: 404, title: 'Not found' })

const TITLES: Record<Audience, string> = {
  trust: 'Trust center',
  admin: 'Back-office of the operator',
  tenant: 'A tenant',
}

/** How a caller shows who they are: the module identity names them on the routes that it guards. */
const SIGNED_IN = {
  session: { type: 'apiKey', in: 'cookie', name: '__Host-surety-access' },
  bearer: { type: 'http', scheme: 'bearer' },
} as const

/** Swagger UI styles itself inline; its script is a file of ours. Only these pages allow that. */
const REFERENCE_CSP =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"

/**
 * One Fastify instance for one audience, with hardening, problem details, its OpenAPI 3.1 document at
 * `/api/v1/openapi.json` and the browsable reference at `/api/v1/docs`. On the tenant audience `request.tenant` is what
 * `tenantOf` knows of the raw request.
 */
export async function createAudience(
  audience: Audience,
  options: {
    routes: readonly RouteGroup[]
    guards: readonly RouteGroup[]
    log: Log
    build: string
    tenantOf(request: IncomingMessage): Tenant | undefined
  },
): Promise<FastifyInstance> {
  const answerError = (error: Error, request: FastifyRequest, reply: FastifyReply) => {
    const problem = toProblem(error)
    if (problem.status >= 500) options.log.error({ err: error, requestId: request.id }, 'request failed')
    const { headers, text } = render(problem, request.raw)
    return reply.headers(headers).code(problem.status).send(text)
  }
  const app = Fastify({
    bodyLimit: 1_048_576,
    genReqId: newId,
    routerOptions: { maxParamLength: 200 },
    frameworkErrors: answerError,
  })
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  const acting = new WeakMap<IncomingMessage, Tenant>()
  app.decorateRequest('tenant', {
    getter() {
      return (acting.get(this.raw) ?? options.tenantOf(this.raw)) as Tenant
    },
    /** For guards, once they know who acts in the tenant. */
    setter(tenant: Tenant) {
      acting.set(this.raw, tenant)
    },
  })
  traceRequests(app, audience)
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ ...HEADERS, 'x-request-id': request.id })
  })
  app.addHook('onSend', async (request) => {
    if (!request.raw.complete) await readAway(request.raw)
  })
  app.setNotFoundHandler((request) => {
    throw noRoute(`Nothing answers ${request.method} here.`)
  })
  app.setErrorHandler(answerError)
  await describeRoutes(app, TITLES[audience], options.build)
  for (const { plugin } of options.guards.filter((guard) => guard.audience === audience))
    await app.register(fp(plugin))
  for (const { plugin } of options.routes.filter((group) => group.audience === audience))
    await app.register(plugin)
  await app.ready()
  return app
}

/** How long (ms) a body that nobody wanted is read away, so that its sender hears why before the connection ends. */
const READ_AWAY_MS = 1_000

/** A connection closed with unread bytes on it is reset, and the reset overtakes the answer (RFC 9112 §9.6). */
function readAway(request: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, READ_AWAY_MS)
    const done = () => {
      clearTimeout(timer)
      resolve()
    }
    request.once('end', done).once('close', done).resume()
  })
}

async function describeRoutes(app: FastifyInstance, title: string, build: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title, version: build },
      components: { securitySchemes: SIGNED_IN },
    },
    transform: (route) =>
      route.url.startsWith('/api/')
        ? jsonSchemaTransform(route)
        : { url: route.url, schema: { ...route.schema, hide: true } },
  })
  const hidden = { schema: { hide: true }, config: { public: true } }
  app.get('/api/v1/openapi.json', hidden, async (_request, reply) =>
    reply.header('access-control-allow-origin', '*').send(app.swagger()),
  )
  await app.register(async (reference) => {
    reference.addHook('onRoute', (route) => {
      route.config = { ...route.config, public: true }
    })
    reference.addHook('onSend', async (_request, reply) => {
      reply.header('content-security-policy', REFERENCE_CSP)
    })
    await reference.register(swaggerUi, {
      routePrefix: '/api/v1/docs',
      logLevel: 'silent',
      uiConfig: { layout: 'BaseLayout' },
    })
  })
}
