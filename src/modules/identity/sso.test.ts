import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { sql } from 'drizzle-orm'
import { type OidcPeer, openOidcPeer } from '../../../test/support/oidcPeer.ts'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { loadSettings } from '../../kernel/settings.ts'
import { type EdgeAnswer, type EdgeApi, edge } from '../edge/index.ts'
import type { EgressApi } from '../egress/index.ts'
import type { Tenant } from '../tenancy/index.ts'
import { CLIENT, type Fault, openHostileIssuer } from './hostileIssuer.ts'
import { type IdentityApi, identity } from './index.ts'
import { tenantRealm } from './realm.ts'

let platform: TestPlatform
let tenant: Tenant
let peer: OidcPeer
before(async () => {
  peer = await openOidcPeer()
  const sso = [{ name: 'peer', issuer: peer.url, clientId: 'surety' }]
  platform = await testPlatform([edge, identity], { identity: { sso } })
  await platform.serve()
  tenant = await platform.makeTenant('rows')
  peer.answer(`https://${host()}${doors().portInLinks}/api/v1/auth/sso/peer/return`)
})
after(async () => {
  await platform?.stop()
  peer?.close()
})

const doors = () => platform.api('edge') as EdgeApi
const host = () => tenant.hosts[0] as string

/** A browser that keeps what each site sets. */
function browser() {
  const here = new Map<string, string>()
  const there = new Map<string, string>()
  const keep = (jar: Map<string, string>, lines: readonly string[]) => {
    for (const line of lines) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (value) jar.set(name, value)
      else jar.delete(name)
    }
  }
  const cookie = (jar: Map<string, string>) => [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
  return {
    /** `strict`: whether the browser sends cookies that are so, which it does not when another site led it here. */
    async ask(method: string, path: string, body?: unknown, strict = true): Promise<EdgeAnswer> {
      const sent = strict ? here : new Map([...here].filter(([name]) => /sso|link/.test(name)))
      const headers = { cookie: cookie(sent), ...(body ? { 'content-type': 'application/json' } : {}) }
      const request = { host: host(), method, path, headers, ...(body ? { body: JSON.stringify(body) } : {}) }
      const answer = await doors().request(request)
      keep(here, [answer.headers['set-cookie'] ?? []].flat())
      return answer
    },
    take(other: { cookies: ReadonlyMap<string, string> }) {
      for (const [name, value] of other.cookies) here.set(name, value)
    },
    cookies: here as ReadonlyMap<string, string>,
    /** Signs in at the provider as `id` and says where the provider sends the browser. */
    async visit(url: string, id: string): Promise<string> {
      let next = url
      let form: URLSearchParams | undefined
      for (let step = 0; step < 12 && next.startsWith(peer.url); step += 1) {
        const method = form ? 'POST' : 'GET'
        const answer = await fetch(next, {
          method,
          redirect: 'manual',
          headers: { cookie: cookie(there) },
          ...(form ? { body: form } : {}),
        })
        keep(there, answer.headers.getSetCookie())
        const location = answer.headers.get('location')
        const page = location ? '' : await answer.text()
        form = undefined
        if (location) next = new URL(location, peer.url).href
        else {
          const prompt = /name="prompt" value="(\w+)"/.exec(page)?.[1]
          assert.ok(prompt, page.slice(0, 500))
          next = new URL(/action="([^"]+)"/.exec(page)?.[1] ?? '', peer.url).href
          form = new URLSearchParams(prompt === 'login' ? { prompt, login: id, password: 'x' } : { prompt })
        }
      }
      return next
    },
  }
}

async function signInAs(client: ReturnType<typeof browser>, id: string, query = ''): Promise<EdgeAnswer> {
  const begun = await client.ask('GET', `/api/v1/auth/sso/peer${query}`)
  assert.equal(begun.status, 303, begun.body)
  const cookie = /^__Host-surety-sso=[^;]{100,3000}; Max-Age=600; Path=\/; HttpOnly; Secure; SameSite=Lax$/
  assert.match(String(begun.headers['set-cookie']), cookie)
  const back = new URL(await client.visit(String(begun.headers.location), id))
  return client.ask('GET', `${back.pathname}${back.search}`, undefined, false)
}

const add = (email: string, password: string | null) =>
  (platform.api('identity') as IdentityApi).people.add(tenantRealm(tenant), {
    email,
    name: email,
    role: 'reader',
    password,
  })
const who = async (client: ReturnType<typeof browser>) =>
  JSON.parse((await client.ask('GET', '/api/v1/auth/me')).body) as { email?: string }

it('signs in somebody whom an administrator added, and finds them again by issuer and subject', async () => {
  await add('mia@example.org', null)
  for (let time = 0; time < 2; time += 1) {
    const client = browser()
    const answer = await signInAs(client, 'mia')
    assert.equal(answer.status, 200, answer.body)
    assert.equal((await who(client)).email, 'mia@example.org')
  }
})

it('links an account that has a password only after the password was given', async () => {
  const password = 'a long enough sentence'
  await add('ben@example.org', password)
  const client = browser()
  const asked = await signInAs(client, 'ben')
  assert.deepEqual([asked.status, JSON.parse(asked.body).code], [409, 'sso-link-needed'])
  assert.equal((await client.ask('GET', '/api/v1/auth/me')).status, 401)
  const body = { email: 'ben@example.org', password }
  assert.equal((await browser().ask('POST', '/api/v1/auth/sso/link', body)).status, 401)
  assert.equal(
    (await client.ask('POST', '/api/v1/auth/sso/link', { ...body, password: 'wrong one' })).status,
    401,
  )
  assert.equal((await client.ask('POST', '/api/v1/auth/sso/link', body)).status, 200)
  const again = browser()
  assert.equal((await signInAs(again, 'ben')).status, 200)
  assert.equal((await who(again)).email, 'ben@example.org')
})

it('knows neither strangers nor addresses that the provider did not verify', async () => {
  await add('unverified@example.org', null)
  for (const id of ['stranger', 'unverified']) {
    const client = browser()
    assert.equal((await signInAs(client, id)).status, 401, id)
    assert.equal((await client.ask('GET', '/api/v1/auth/me')).status, 401)
  }
})

it('takes no answer in a browser that did not ask', async () => {
  const client = browser()
  const begun = await client.ask('GET', '/api/v1/auth/sso/peer')
  const back = new URL(await client.visit(String(begun.headers.location), 'mia'))
  const other = await browser().ask('GET', `${back.pathname}${back.search}`)
  assert.equal(JSON.parse(other.body).code, 'sso-refused')
})

it('leads a person whose sign-in was refused to the page that says so', async () => {
  const path = '/api/v1/auth/sso/peer/return?code=made-up&state=made-up'
  const { status, headers } = await doors().request({ host: host(), path, headers: { accept: 'text/html' } })
  assert.deepEqual([status, headers.location], [303, '/office/sign-in?sso=refused'])
})

it('ends the session that the browser had, though its cookie stays behind on the way back', async () => {
  await add('eva@example.org', null)
  const client = browser()
  await signInAs(client, 'eva')
  const before = browser()
  before.take(client)
  assert.equal((await who(before)).email, 'eva@example.org')
  await signInAs(client, 'eva')
  assert.equal((await who(client)).email, 'eva@example.org')
  assert.equal((await before.ask('GET', '/api/v1/auth/me')).status, 401)
  assert.equal((await before.ask('POST', '/api/v1/auth/refresh')).status, 401)
})

it('asks a provider for an address and nothing else, and to say when the person signed in there', async () => {
  const asked = async (query: string) => {
    const { headers } = await browser().ask('GET', `/api/v1/auth/sso/peer${query}`)
    const { searchParams } = new URL(String(headers.location))
    return ['scope', 'max_age', 'prompt'].map((name) => searchParams.get(name))
  }
  assert.deepEqual(await asked(''), ['openid email', '2592000', null])
  assert.deepEqual(await asked('?again=1'), ['openid email', '0', 'login'])
})

it('leads back to where the person was', async () => {
  await add('kim@example.org', null)
  const client = browser()
  const { body } = await signInAs(client, 'kim', '?again=1&next=/account/sessions')
  assert.match(body, /url=\/office\/account\/sessions"/)
  const elsewhere = await client.ask('GET', '/api/v1/auth/sso/peer?next=//evil.invalid')
  assert.equal(elsewhere.status, 400)
})

it('takes from a provider how the person signed in there, and when', async () => {
  const now = Math.floor(Date.now() / 1000)
  const issuer = await openHostileIssuer(() => now)
  try {
    const { sso, sessions, people } = platform.api('identity') as IdentityApi
    const arrive = async (fault: Fault, twoFactors?: string[]) => {
      const named = {
        name: 'far',
        issuer: issuer.url,
        clientId: CLIENT,
        ...(twoFactors ? { twoFactors } : {}),
      }
      const here = sso.among([named])
      const { url, transaction } = await here.begin('r', 'far', 'https://here.invalid/return')
      return (await here.finish('r', 'far', issuer.authorize(url, fault), transaction)).who
    }
    assert.deepEqual((await arrive({ amr: ['pwd', 'mfa'] })).factors, ['sso'], 'one factor, unless agreed')
    assert.deepEqual((await arrive({ amr: ['pwd', 'mfa'] }, ['mfa'])).factors, ['sso', 'mfa'])
    assert.deepEqual((await arrive({ amr: ['pwd'] }, ['mfa'])).factors, ['sso'])
    assert.equal((await arrive({ authTime: null })).authenticatedAt, null)
    const { factors, authenticatedAt } = await arrive({ authTime: -3_600 })
    assert.equal(authenticatedAt, (now - 3_600) * 1_000)
    // An hour ago is not lately, and the session ends an hour sooner.
    const realm = tenantRealm(tenant)
    const id = await people.add(realm, { email: 'ida@example.org', name: 'I', role: 'owner', password: null })
    const shown = new Date(Number(authenticatedAt))
    const about = { device: 'd', factors, authenticatedAt: shown }
    const { access, session } = await sessions.begin(realm, { id, password: null }, about)
    const body = JSON.stringify({ name: 'Shop', role: 'reader' })
    const headers = { authorization: `Bearer ${access}`, 'content-type': 'application/json' }
    const request = { host: host(), method: 'POST', path: '/api/v1/service-accounts', headers, body }
    assert.equal(JSON.parse((await doors().request(request)).body).code, 'step-up-needed')
    const [row] = await realm.transaction((run) =>
      run<{ life: number }>(sql`SELECT extract(epoch FROM expires_at - started_at)::int AS life
        FROM identity.session WHERE id = ${session}`),
    )
    assert.ok(Math.abs(Number(row?.life) - (2_592_000 - 3_600)) < 30, `${row?.life}`)
  } finally {
    await issuer.close()
  }
})

it("asks other people's servers by the way out alone", async () => {
  const { sso } = platform.api('identity') as IdentityApi
  const named = [{ name: 'far', issuer: 'https://login.far.invalid', clientId: 'surety' }]
  const far = sso.among(named)
  await assert.rejects(far.begin('realm', 'far', 'https://here.invalid/return'), { code: 'sso-unavailable' })
  const { decisions } = (platform.api('egress') as EgressApi).parts
  const [asked] = decisions.recent(50).filter(({ host: to }) => to === 'login.far.invalid')
  assert.deepEqual([asked?.caller, asked?.verdict], ['identity/-/sso', 'refused'])
  const stores = { host: '/x', secrets: 'x', files: 'x', appPasswordFileName: 'x', redisSocket: 'x' }
  assert.throws(
    () => loadSettings([identity], { profile: { stores, identity: { sso: named } } }),
    /login\.far\.invalid is not in the register/,
  )
})
