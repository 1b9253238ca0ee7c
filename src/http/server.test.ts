import assert from 'node:assert/strict'
import type { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { Agent as PlainAgent, request as plainRequest } from 'node:http'
import { Agent, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type TLSSocket } from 'node:tls'
import type { FastifyPluginAsync } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { createLog } from '../kernel/log.ts'
import { defineProblem } from '../kernel/problems.ts'
import { keepLocalAuthority, openLocalAuthority } from '../modules/edge/authority.ts'
import type { Tenant } from '../modules/tenancy/index.ts'
import { createServer, type HttpServer } from './server.ts'

const noTenant = defineProblem({ code: 'tenant-not-found', status: 404, title: 'No such tenant' })
const log = createLog({ name: 'test', level: 'silent' })
const plugin: FastifyPluginAsync = async (app) => {
  app.get('/slow', async () => {
    await sleep(300)
    return 'done'
  })
  app.get('/defect', async () => {
    throw new Error('secret-internal')
  })
  app.get('/refused', async () => {
    throw Object.assign(new Error('secret-internal'), { statusCode: 404 })
  })
  app.post(
    '/early',
    { onRequest: async (_request, reply) => reply.code(401).send('no') },
    async () => 'never',
  )
  app.post('/echo', async (request) => request.body)
}
const tenantPlugin: FastifyPluginAsyncZod = async (app) => {
  const schema = { params: z.object({ id: z.uuid() }), response: { 200: z.object({ slug: z.string() }) } }
  app.get('/api/v1/things/:id', { schema }, async ({ tenant }) => ({ slug: tenant.slug }))
}

describe('the server', () => {
  const secrets = mkdtempSync(join(tmpdir(), 'surety-http-'))
  let server: HttpServer
  let at: { port: number; httpPort: number }
  let ready: () => Promise<boolean> = async () => {
    throw new Error('connect ECONNREFUSED db.internal:5432')
  }
  const agent = new Agent({ keepAlive: true, maxCachedSessions: 0, rejectUnauthorized: false })
  const plainAgent = new PlainAgent()

  interface Asked {
    method?: string
    body?: string
    host?: string
    sni?: string
    headers?: Record<string, string>
    raw?: string[]
    plain?: boolean
  }
  const ask = async (path: string, { method = 'GET', body, plain, ...options }: Asked = {}) => {
    const { promise, resolve, reject } = Promise.withResolvers<import('node:http').IncomingMessage>()
    const host = options.host ?? 'trust.localhost'
    const headers: import('node:http').OutgoingHttpHeaders | string[] = options.raw ?? {
      host,
      ...options.headers,
    }
    const common = { host: '127.0.0.1', path, method, headers }
    const sent = plain
      ? plainRequest({ ...common, port: at.httpPort, agent: plainAgent }, resolve)
      : request({ ...common, port: at.port, agent, servername: options.sni ?? host }, resolve)
    sent.on('error', reject).end(body)
    const answer = await promise
    return { status: answer.statusCode, headers: answer.headers, body: await text(answer) }
  }

  before(async () => {
    await keepLocalAuthority(secrets)
    const { certificateFor } = openLocalAuthority(secrets)
    server = await createServer({
      routes: [
        { audience: 'trust', plugin },
        { audience: 'tenant', plugin: tenantPlugin as unknown as FastifyPluginAsync },
      ],
      guards: [],
      front: {
        trustHost: 'trust.localhost',
        adminHost: 'admin.localhost',
        baseDomain: 'localhost',
        portInLinks: ':8443',
        certificateFor,
        async resolveTenant(host) {
          if (host === 'acme.localhost' || host === 'shop.example') return { slug: host } as Tenant
          throw noTenant('No tenant answers there.')
        },
      },
      ready: () => ready(),
      log,
      build: 'test',
    })
    at = await server.listen({ bind: '127.0.0.1', port: 0, httpPort: 0 })
  })
  after(() => {
    agent.destroy()
    rmSync(secrets, { recursive: true })
  })

  for (const [path, status] of [
    ['/defect', 500],
    ['/refused', 404],
    ['/nothing', 404],
    ['/%zz', 400],
  ] as const) {
    it(`${path} is ${status} as problem details, without what the error said inside`, async () => {
      const answer = await ask(path)
      assert.equal(answer.status, status)
      assert.match(answer.headers['content-type'] ?? '', /^application\/problem\+json/)
      assert.match(String(answer.headers['content-security-policy']), /default-src 'none'/)
      assert.doesNotMatch(answer.body, /secret-internal/)
    })
  }

  it('shows a browser a page in its language instead', async () => {
    const answer = await ask('/nothing', { headers: { accept: 'text/html', 'accept-language': 'de-DE' } })
    assert.equal(answer.status, 404)
    assert.match(answer.body, /<html lang="de">.*Diese Seite gibt es hier nicht/s)
    assert.match(String(answer.headers['content-security-policy']), /style-src 'sha256-/)
  })

  it('tells the sender of a body that nobody wants, however much of it is on its way', async () => {
    const headers = { 'content-type': 'application/json' }
    for (const size of [1_100_000, 8_000_000]) {
      const body = 'x'.repeat(size)
      assert.equal((await ask('/echo', { method: 'POST', body, headers })).status, 413)
      assert.equal((await ask('/early', { method: 'POST', body, headers })).status, 401)
    }
  })

  it('refuses malformed and poisoned JSON with 400', async () => {
    const headers = { 'content-type': 'application/json' }
    for (const body of ['{', '{"__proto__":{"x":1}}']) {
      assert.equal((await ask('/echo', { method: 'POST', body, headers })).status, 400)
    }
  })

  const id = '0190c2a0-0000-7000-8000-000000000000'
  for (const [what, asked, status] of [
    ['a tenant', { host: 'acme.localhost' }, 200],
    ['a tenant in upper case', { host: 'ACME.localhost', sni: 'acme.localhost' }, 200],
    ['a tenant with trailing dot and port', { host: 'acme.localhost.:8443', sni: 'acme.localhost' }, 200],
    ['a tenant at a domain of its own', { host: 'shop.example' }, 200],
    ['an unknown tenant', { host: 'other.localhost' }, 404],
    ['a foreign domain', { host: 'acme.evil.tld' }, 421],
    ['a name two levels down', { host: 'a.acme.localhost' }, 421],
    ['the base domain', { host: 'localhost' }, 421],
    ['an address', { host: '127.0.0.1', sni: '' }, 400],
    ['another host than the handshake named', { host: 'acme.localhost', sni: 'shop.example' }, 421],
    ['two hosts', { raw: ['Host', 'acme.localhost', 'Host', 'shop.example'], sni: 'acme.localhost' }, 400],
    ['a tenant route on the public site', { host: 'trust.localhost' }, 404],
    ['a tenant route on the back-office', { host: 'admin.localhost' }, 404],
  ] as [string, Asked, number][]) {
    it(`${what} is answered ${status}`, async () => {
      const answer = await ask(`/api/v1/things/${id}`, asked)
      assert.equal(answer.status, status, answer.body)
      if (status === 200) assert.match(answer.body, /^\{"slug":"(acme.localhost|shop.example)"\}$/)
    })
  }

  it('never looks at forwarded headers', async () => {
    const headers = { 'x-forwarded-host': 'shop.example', forwarded: 'host=shop.example' }
    const answer = await ask(`/api/v1/things/${id}`, { host: 'acme.localhost', headers })
    assert.equal(answer.body, '{"slug":"acme.localhost"}')
  })

  it('describes each audience as OpenAPI 3.1, made from the routes', async () => {
    const { body } = await ask('/api/v1/openapi.json', { host: 'acme.localhost' })
    const document = JSON.parse(body)
    assert.equal(document.openapi, '3.1.0')
    assert.deepEqual(Object.keys(document.paths), ['/api/v1/things/{id}'])
    assert.equal(document.paths['/api/v1/things/{id}'].get.parameters[0].schema.format, 'uuid')
    const reference = await ask('/api/v1/docs/', { host: 'acme.localhost' })
    assert.deepEqual([reference.status, /swagger-ui/.test(reference.body)], [200, true])
  })

  it('redirects plain HTTP to HTTPS for its own hosts only', async () => {
    const { status, headers } = await ask('/api/v1/x?y=1', { plain: true, host: 'acme.localhost:8080' })
    assert.deepEqual([status, headers.location], [308, 'https://acme.localhost:8443/api/v1/x?y=1'])
    assert.equal((await ask('/', { plain: true, host: 'evil.tld' })).status, 421)
    assert.equal((await ask('/', { plain: true, host: 'other.localhost' })).status, 404)
  })

  it('shows each host its own certificate, and strangers that of the public site', async () => {
    const subject = (servername: string) =>
      new Promise<string | undefined>((resolve, reject) => {
        const socket: TLSSocket = connect(
          { host: '127.0.0.1', port: at.port, servername, rejectUnauthorized: false },
          () => {
            const der = socket.getPeerX509Certificate() as X509Certificate
            resolve(der.subjectAltName)
            socket.destroy()
          },
        ).once('error', reject)
      })
    assert.equal(await subject('acme.localhost'), 'DNS:acme.localhost')
    assert.equal(await subject('evil.tld'), 'DNS:trust.localhost')
    assert.equal(await subject(''), 'DNS:trust.localhost')
  })

  it('is alive but not ready when a store cannot be asked, and says no more than that', async () => {
    const alive = await ask('/healthz')
    assert.deepEqual([alive.status, alive.body], [200, '{"status":"ok","build":"test"}'])
    const answer = await ask('/readyz?x=1', { host: '127.0.0.1', sni: '' })
    assert.deepEqual([answer.status, answer.body], [503, '{"status":"not-ready"}'])
    assert.ok(answer.headers['x-content-type-options'])
  })

  it('finishes requests under way when it closes, and then refuses connections', async () => {
    ready = async () => true
    assert.equal((await ask('/readyz')).status, 200)
    const slow = ask('/slow')
    await sleep(100)
    const closed = server.close()
    assert.equal((await slow).body, 'done')
    await closed
    agent.destroy() // a kept connection would answer for the closed server
    await assert.rejects(ask('/healthz'), { code: 'ECONNREFUSED' })
  })
})
