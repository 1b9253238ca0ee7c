import assert from 'node:assert/strict'
import { Agent, type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyPluginAsync } from 'fastify'
import { createLog } from '../kernel/log.ts'
import { createServer, type HttpServer } from './server.ts'

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
  app.post('/echo', async (request) => request.body)
}
const start = async (ready: () => Promise<boolean>): Promise<{ server: HttpServer; port: number }> => {
  const server = await createServer({
    routes: [{ audience: 'trust', plugin }],
    guards: [],
    trustHost: 'trust.localhost',
    ready,
    log,
  })
  return { server, port: await server.listen(0) }
}

describe('the server', () => {
  let server: HttpServer
  let port: number
  const agent = new Agent({ keepAlive: true })
  const ask = async (
    path: string,
    options: { method?: string; body?: string; headers?: Record<string, string> } = {},
  ) => {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    const headers = { host: 'trust.localhost', ...options.headers }
    request({ host: '127.0.0.1', port, path, agent, method: options.method ?? 'GET', headers }, resolve)
      .on('error', reject)
      .end(options.body)
    const answer = await promise
    return { status: answer.statusCode, type: answer.headers['content-type'], body: await text(answer) }
  }
  before(async () => {
    ;({ server, port } = await start(async () => {
      throw new Error('connect ECONNREFUSED db.internal:5432')
    }))
  })
  after(() => agent.destroy())

  for (const [path, status] of [
    ['/defect', 500],
    ['/refused', 404],
    ['/nothing', 404],
  ] as const) {
    it(`${path} is ${status} as problem details, without what the error said inside`, async () => {
      const answer = await ask(path)
      assert.equal(answer.status, status)
      assert.match(answer.type ?? '', /^application\/problem\+json/)
      assert.doesNotMatch(answer.body, /secret-internal/)
    })
  }

  it('refuses malformed and poisoned JSON with 400', async () => {
    const headers = { 'content-type': 'application/json' }
    for (const body of ['{', '{"__proto__":{"x":1}}']) {
      assert.equal((await ask('/echo', { method: 'POST', body, headers })).status, 400)
    }
  })

  it('is alive but not ready when a store cannot be asked, and says no more than that', async () => {
    assert.equal((await ask('/healthz')).status, 200)
    const ready = await ask('/readyz')
    assert.deepEqual([ready.status, ready.body], [503, '{"status":"not-ready"}'])
  })

  it('finishes a request under way when it closes, and then refuses connections', async () => {
    const slow = ask('/slow')
    await sleep(100)
    const closed = server.close()
    assert.equal((await slow).body, 'done')
    await closed
    agent.destroy() // a kept connection would answer for the closed server
    await assert.rejects(ask('/healthz'), { code: 'ECONNREFUSED' })
  })
})
