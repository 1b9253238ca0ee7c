import { createServer as createPlainServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Server } from 'node:net'
import { createSecureContext, type SecureContext, type TLSSocket } from 'node:tls'
import type { FastifyInstance } from 'fastify'
import type { Log } from '../kernel/log.ts'
import { defineProblem, Problem } from '../kernel/problems.ts'
import type { Audience, RouteGroup } from '../kernel/routes.ts'
import type { Tenant } from '../modules/tenancy/index.ts'
import { refuse, toProblem } from './answers.ts'
import { createAudience } from './audience.ts'
import { HEADERS } from './headers.ts'
import { requestHost } from './host.ts'

const badHost = defineProblem({ code: 'bad-host', status: 400, title: 'The request names no host' })
const misdirected = defineProblem({
  code: 'misdirected',
  status: 421,
  title: 'Not a host of this deployment',
})

/** PEM. */
export interface Certificate {
  key: string
  cert: string
}

/** Where the server answers, and by which names. */
export interface Front {
  trustHost: string
  adminHost: string
  /** Unknown names directly under it are missing tenants (404); all other unknown names are misdirected (421). */
  baseDomain: string
  /** What a link to HTTPS needs after the host name, such as `:8443`. */
  portInLinks: string
  certificateFor(host: string): Promise<Certificate>
  /** Throws a Problem 404 when no tenant answers at `host`. */
  resolveTenant(host: string): Promise<Tenant>
}

interface Door {
  bind: string
  port: number
  httpPort: number
  sockets?: readonly [number, number] | undefined
}

/** A server that has not yet begun to listen. */
export interface HttpServer {
  /** Returns the ports in use. 0 asks for any free one. `sockets`: descriptors for HTTPS and HTTP, bound by others. */
  listen(at: Door): Promise<{ port: number; httpPort: number }>
  /** From now on `/readyz` says no and no new connection is taken; resolves when the requests under way are answered. */
  close(): Promise<void>
}

/**
 * The trust center, the back-office and the tenants, each at its own host, over HTTPS; plain HTTP only redirects.
 * `/healthz` answers while the process lives and says which build it runs, `/readyz` while it may be sent requests, both
 * on any host.
 */
export async function createServer(options: {
  routes: readonly RouteGroup[]
  guards: readonly RouteGroup[]
  front: Front
  ready(): Promise<boolean>
  log: Log
  build: string
}): Promise<HttpServer> {
  const { front, log } = options
  const tenants = new WeakMap<IncomingMessage, Tenant>()
  const open = (audience: Audience) =>
    createAudience(audience, { ...options, tenantOf: (request) => tenants.get(request) })
  const [trust, admin, tenant] = await Promise.all([open('trust'), open('admin'), open('tenant')])
  const appFor = async (host: string, request: IncomingMessage): Promise<FastifyInstance> => {
    if (host === front.trustHost) return trust
    if (host === front.adminHost) return admin
    tenants.set(request, await findTenant(front, host))
    return tenant
  }
  let draining = false
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (draining) response.setHeader('connection', 'close')
    const probed = /^\/(healthz|readyz)(\?|$)/.exec(request.url ?? '')
    if (probed?.[1] === 'healthz') return sendHealth(response, 200, { status: 'ok', build: options.build })
    if (probed) {
      const ready = !draining && (await options.ready().catch(() => false))
      return sendHealth(response, ready ? 200 : 503, { status: ready ? 'ready' : 'not-ready' })
    }
    const app = await appFor(hostOf(request), request)
    app.routing(request, response)
  }
  const guarded = (work: typeof answer) => (request: IncomingMessage, response: ServerResponse) => {
    work(request, response).catch((error: Error) => {
      const problem = toProblem(error)
      if (problem.status >= 500) log.error({ err: error }, 'request not dispatched')
      refuse(request, response, problem)
    })
  }
  const contextFor = rememberContexts()
  const secure = createTlsServer(
    {
      minVersion: 'TLSv1.2',
      // For clients that name no server in their handshake, such as monitors that know an address only.
      ...(await front.certificateFor(front.trustHost)),
      SNICallback: (name, done) => {
        certificateFor(front, name).then((certificate) => done(null, contextFor(certificate)), done)
      },
    },
    guarded(answer),
  )
  secure.on('tlsClientError', (_error, socket) => socket.destroy())
  const plain = createPlainServer(guarded((request, response) => redirect(front, request, response)))
  for (const server of [secure, plain]) {
    server.requestTimeout = 30_000
    server.headersTimeout = 10_000
    server.on('request', (_request: IncomingMessage, response: ServerResponse) => {
      response.once('finish', () => draining && setImmediate(() => server.closeIdleConnections()))
    })
  }
  return {
    async listen({ bind, port, httpPort, sockets }) {
      const [one, other] = sockets ?? []
      return {
        port: await listen(secure, one === undefined ? { host: bind, port } : { fd: one }),
        httpPort: await listen(plain, other === undefined ? { host: bind, port: httpPort } : { fd: other }),
      }
    },
    async close() {
      draining = true
      const closed = [secure, plain].map((server) => new Promise<void>((done) => server.close(() => done())))
      for (const server of [secure, plain]) server.closeIdleConnections()
      await Promise.all(closed)
      await Promise.all([trust.close(), admin.close(), tenant.close()])
    },
  }
}

function sendHealth(response: ServerResponse, status: 200 | 503, body: object): void {
  response.writeHead(status, { ...HEADERS, 'content-type': 'application/json' }).end(JSON.stringify(body))
}

/** The host that the request is for, which must be the one that the TLS handshake named (RFC 9110 §7.4). */
function hostOf(request: IncomingMessage): string {
  const host = requestHost(request)
  if (!host) throw badHost('One valid Host header is needed.')
  const { servername } = request.socket as TLSSocket
  if (servername && servername.toLowerCase() !== host)
    throw misdirected('The connection was opened for another host; open one for this host.')
  return host
}

async function findTenant(front: Front, host: string): Promise<Tenant> {
  try {
    return await front.resolveTenant(host)
  } catch (error) {
    const missing = error instanceof Problem && error.status === 404
    const label = host.endsWith(`.${front.baseDomain}`) && host.slice(0, -front.baseDomain.length - 1)
    if (missing && !(label && !label.includes('.')))
      throw misdirected('Use a host name that this deployment published.')
    throw error
  }
}

/** A name that is not ours gets the public site's certificate: its client sees the mismatch, we make none for it. */
async function certificateFor(front: Front, name: string): Promise<Certificate> {
  const host = name.toLowerCase()
  const known =
    host === front.adminHost ||
    (host !== front.trustHost &&
      (await front.resolveTenant(host).then(
        () => true,
        () => false,
      )))
  return front.certificateFor(known ? host : front.trustHost)
}

function rememberContexts(): (certificate: Certificate) => SecureContext {
  const contexts = new WeakMap<Certificate, SecureContext>()
  return (certificate) => {
    const context = contexts.get(certificate) ?? createSecureContext(certificate)
    contexts.set(certificate, context)
    return context
  }
}

async function redirect(front: Front, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const host = hostOf(request)
  if (host !== front.trustHost && host !== front.adminHost) await findTenant(front, host)
  const path = request.url?.startsWith('/') ? request.url : '/'
  response.writeHead(308, { ...HEADERS, location: `https://${host}${front.portInLinks}${path}` }).end()
}

function listen(server: Server, at: { host: string; port: number } | { fd: number }): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(at, () => resolve((server.address() as { port: number }).port))
  })
}
