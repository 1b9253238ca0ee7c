import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import type { FastifyPluginAsync } from 'fastify'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { z } from 'zod'
import { findChromium } from '../../../test/support/chromium.ts'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { defineModule } from '../../kernel/module.ts'
import { type EdgeApi, edge } from '../edge/index.ts'
import { type IdentityApi, tenantRealm } from '../identity/index.ts'
import { tenancy } from '../tenancy/index.ts'
import { browser as browserModule } from './index.ts'

// What runs inside the page sees these.
declare const window: object
declare const document: { body: { innerHTML: string }; cookie: string; title: string }

const found = findChromium()
const skip = 'reason' in found ? found.reason : false
const executablePath = 'path' in found ? found.path : undefined
const CREDENTIALS = { email: 'mia@example.org', password: 'a long enough sentence' }
const INJECTED =
  '<script>window.pwned = "inline"</script><img src="/none" onerror="window.pwned = \'handler\'">'

/** A page that writes what it is given, as one does by mistake. */
const plugin: FastifyPluginAsync = async (app) => {
  app.get('/page', { config: { public: true } }, async (request, reply) => {
    const { text = '', weak } = request.query as { text?: string; weak?: string }
    if (weak) reply.header('content-security-policy', "default-src 'self' 'unsafe-inline'")
    const own = '<script nonce="NONCE">window.own = true</script>'.replace('NONCE', request.cspNonce)
    return reply.type('text/html').send(`<!doctype html><title>page</title>${own}${text}`)
  })
}
const pages = defineModule({
  name: 'pages',
  needs: { tenancy },
  settings: z.object({}),
  start: async () => ({ api: null, routes: [{ audience: 'tenant' as const, plugin }] }),
})

describe('in a browser', { skip }, () => {
  let platform: TestPlatform
  let chrome: Browser
  let context: BrowserContext
  let page: Page
  let origin: string
  let evil: Server
  let evilOrigin: string
  let evilPage = ''

  before(async () => {
    platform = await testPlatform([edge, browserModule, pages])
    await platform.serve()
    const tenant = await platform.makeTenant('rows')
    const { people } = platform.api('identity') as IdentityApi
    await people.add(tenantRealm(tenant), { ...CREDENTIALS, name: 'Mia', role: 'owner' })
    origin = `https://${tenant.hosts[0]}${(platform.api('edge') as EdgeApi).portInLinks}`
    evil = createServer((_request, response) =>
      response.setHeader('content-type', 'text/html').end(evilPage),
    ).listen(0, '127.0.0.1')
    await once(evil, 'listening')
    evilOrigin = `http://127.0.0.1:${(evil.address() as AddressInfo).port}`
    chrome = await chromium.launch({ executablePath, args: ['--headless', '--no-sandbox', '--disable-gpu'] })
    context = await chrome.newContext({ ignoreHTTPSErrors: true })
    page = await context.newPage()
  })
  after(async () => {
    await chrome?.close()
    evil?.close()
    await platform?.stop()
  })

  const visit = (query: string) => page.goto(`${origin}/page?${query}`, { waitUntil: 'networkidle' })
  const ran = () =>
    page.evaluate(() => [Reflect.get(window, 'own') ?? null, Reflect.get(window, 'pwned') ?? null])

  it('an injected script does not run, the page’s own does', async () => {
    await visit(`text=${encodeURIComponent(INJECTED)}`)
    assert.deepEqual(await ran(), [true, null])
  })

  it('the same script runs where the policy is weak, so the trial sees it', async () => {
    await visit(`weak=1&text=${encodeURIComponent(INJECTED)}`)
    assert.equal((await ran())[1], 'handler')
  })

  it('text does not become markup by a script’s mistake', async () => {
    await visit('')
    const thrown = await page.evaluate(() => {
      try {
        document.body.innerHTML = '<b>text</b>'
        return 'taken'
      } catch (error) {
        return (error as Error).name
      }
    })
    assert.equal(thrown, 'TypeError')
  })

  /** Asks from the page that is open, with its cookies. */
  const ask = (method: string, path: string, { body, token }: { body?: unknown; token?: boolean } = {}) =>
    page.evaluate(
      async ({ method, path, body, token }) => {
        const csrf = /__Host-surety-csrf=([^;]+)/.exec(document.cookie)?.[1] ?? ''
        const headers: Record<string, string> = {
          ...(body ? { 'content-type': 'application/json' } : {}),
          ...(token ? { 'x-csrf-token': csrf } : {}),
        }
        const sent = await fetch(path, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) })
        return sent.status
      },
      { method, path, body, token },
    )

  it('a second origin cannot sign somebody out; the page itself can', async () => {
    await visit('')
    assert.equal(await ask('POST', '/api/v1/auth/sign-in', { body: CREDENTIALS }), 200)
    assert.equal(await ask('GET', '/api/v1/auth/me'), 200)
    const target = `${origin}/api/v1/auth/sign-out`
    const answers: number[] = []
    context.on('response', (response) => response.url() === target && answers.push(response.status()))

    const other = await context.newPage()
    evilPage = `<form method="post" action="${target}"></form><script>document.forms[0].submit()</script>`
    await other.goto(evilOrigin)
    await other.waitForURL(target)
    evilPage = `<script>fetch('${target}', { method: 'POST', mode: 'no-cors', credentials: 'include' }).finally(() => { document.title = 'sent' })</script>`
    await other.goto(evilOrigin)
    await other.waitForFunction(() => document.title === 'sent')
    await other.close()
    assert.deepEqual(
      [answers.length > 0, answers.every((status) => status >= 400)],
      [true, true],
      `${answers}`,
    )
    assert.equal(await ask('GET', '/api/v1/auth/me'), 200)

    assert.equal(await ask('POST', '/api/v1/auth/sign-out'), 403)
    assert.equal(await ask('POST', '/api/v1/auth/sign-out', { token: true }), 204)
    assert.equal(await ask('GET', '/api/v1/auth/me'), 401)
  })
})
