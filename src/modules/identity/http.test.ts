import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { api } from '../api/index.ts'
import { type EdgeAnswer, type EdgeApi, edge } from '../edge/index.ts'
import type { Tenant } from '../tenancy/index.ts'
import { type IdentityApi, identity, tenantRealm } from './index.ts'
import { stepOf, totpCode } from './totp.ts'

const PASSWORD = 'a long enough sentence'
let platform: TestPlatform
let tenant: Tenant
let host: string
before(async () => {
  platform = await testPlatform([edge, identity, api])
  await platform.serve()
  tenant = await platform.makeTenant('rows')
  host = tenant.hosts[0] as string
  await identityApi().people.add(tenantRealm(tenant), {
    email: 'Mia@Example.org',
    name: 'Mia',
    role: 'owner',
    password: PASSWORD,
  })
})
after(() => platform?.stop())

const identityApi = () => platform.api('identity') as IdentityApi

/** A browser's cookie jar, as far as one host needs it. */
function browser(to = host) {
  const jar = new Map<string, string>()
  return {
    jar,
    async ask(method: string, path: string, body?: unknown): Promise<EdgeAnswer> {
      const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
      const answer = await (platform.api('edge') as EdgeApi).request({
        host: to,
        path,
        method,
        headers: {
          'user-agent': 'Test Browser',
          ...(cookie ? { cookie } : {}),
          ...(body ? { 'content-type': 'application/json' } : {}),
        },
        ...(body ? { body: JSON.stringify(body) } : {}),
      })
      for (const line of [answer.headers['set-cookie'] ?? []].flat()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
        if (value) jar.set(name, value)
        else jar.delete(name)
      }
      return answer
    },
  }
}

const signIn = (client: ReturnType<typeof browser>, password = PASSWORD, email = 'mia@example.org') =>
  client.ask('POST', '/api/v1/auth/sign-in', { email, password })

it('signs in, refreshes, lists devices and signs out, by cookies that scripts cannot read', async () => {
  const client = browser()
  const answer = await signIn(client)
  assert.equal(answer.status, 200, answer.body)
  for (const line of [answer.headers['set-cookie'] ?? []].flat())
    assert.match(line, /^__Host-surety-\w+=[^;]+; Max-Age=\d+; Path=\/; HttpOnly; Secure; SameSite=Strict$/)
  const me = await client.ask('GET', '/api/v1/auth/me')
  assert.equal(JSON.parse(me.body).email, 'mia@example.org')
  const before = client.jar.get('__Host-surety-refresh')
  assert.equal((await client.ask('POST', '/api/v1/auth/refresh')).status, 200)
  assert.notEqual(client.jar.get('__Host-surety-refresh'), before)
  const sessions = JSON.parse((await client.ask('GET', '/api/v1/auth/sessions')).body)
  assert.deepEqual(
    sessions.map(({ device }: { device: string }) => device),
    ['Test Browser'],
  )
  const copied = new Map(client.jar)
  assert.equal((await client.ask('POST', '/api/v1/auth/sign-out')).status, 204)
  assert.equal(client.jar.size, 0)
  for (const [name, value] of copied) client.jar.set(name, value)
  assert.equal((await client.ask('GET', '/api/v1/auth/me')).status, 401)
  assert.equal((await client.ask('POST', '/api/v1/auth/refresh')).status, 401)
})

it('answers the same to a wrong password, an unknown address and a disabled person', async () => {
  const { people } = identityApi()
  const realm = tenantRealm(tenant)
  const email = 'disabled@example.org'
  const id = await people.add(realm, { email, name: 'D', role: 'reader', password: PASSWORD })
  await people.change(realm, id, { state: 'disabled' })
  const answers = [
    await signIn(browser(), 'wrong password'),
    await signIn(browser(), PASSWORD, 'nobody@example.org'),
    await signIn(browser(), PASSWORD, email),
  ]
  const [first, ...others] = answers.map(({ status, body }) => ({ status, body }))
  assert.equal(first?.status, 401)
  for (const other of others) assert.deepEqual(other, first)
})

it("keeps one tenant's sign-in from another tenant and from the operators' host", async () => {
  const client = browser()
  await signIn(client)
  for (const other of ['canary-rows-a.localhost', 'canary-database-a.localhost', 'admin.localhost']) {
    const there = browser(other)
    for (const [name, value] of client.jar) there.jar.set(name, value)
    assert.equal((await there.ask('GET', '/api/v1/auth/me')).status, 401, other)
    assert.equal((await there.ask('POST', '/api/v1/auth/refresh')).status, 401, other)
  }
  assert.equal((await client.ask('POST', '/api/v1/auth/refresh')).status, 200)
})

it('does not keep a session that was there before the sign-in', async () => {
  const client = browser()
  await signIn(client)
  const planted = browser()
  for (const [name, value] of client.jar) planted.jar.set(name, value)
  await signIn(client)
  assert.equal((await client.ask('GET', '/api/v1/auth/me')).status, 200)
  assert.equal((await planted.ask('GET', '/api/v1/auth/me')).status, 401)
  assert.equal((await planted.ask('POST', '/api/v1/auth/refresh')).status, 401)
})

it('makes no better session of one from before the second factor', async () => {
  const email = 'factor@example.org'
  const { people } = identityApi()
  await people.add(tenantRealm(tenant), { email, name: 'F', role: 'reader', password: PASSWORD })
  const client = browser()
  await signIn(client, PASSWORD, email)
  const stolen = browser()
  for (const [name, value] of client.jar) stolen.jar.set(name, value)
  const { secret } = JSON.parse((await client.ask('POST', '/api/v1/auth/totp')).body)
  const code = totpCode(fromBase32(secret), stepOf(new Date()))
  assert.equal((await client.ask('POST', '/api/v1/auth/totp/confirm', { code })).status, 200)
  assert.equal((await client.ask('GET', '/api/v1/auth/sessions')).status, 200)
  assert.equal((await stolen.ask('GET', '/api/v1/auth/me')).status, 401)
  assert.equal((await stolen.ask('POST', '/api/v1/auth/refresh')).status, 401)
})

it('lets a person, and who manages people, end sessions', async () => {
  const { people } = identityApi()
  const email = 'ended@example.org'
  const id = await people.add(tenantRealm(tenant), { email, name: 'E', role: 'reader', password: PASSWORD })
  const [one, two, owner] = [browser(), browser(), browser()]
  for (const client of [one, two]) await signIn(client, PASSWORD, email)
  await signIn(owner)
  const [first] = JSON.parse((await two.ask('GET', '/api/v1/auth/sessions')).body).slice(1)
  assert.equal((await two.ask('DELETE', `/api/v1/auth/sessions/${first.id}`)).status, 204)
  assert.equal((await one.ask('GET', '/api/v1/auth/me')).status, 401)
  assert.equal((await owner.ask('DELETE', `/api/v1/people/${id}/sessions`)).status, 204)
  assert.equal((await two.ask('GET', '/api/v1/auth/me')).status, 401)
  await signIn(one, PASSWORD, email)
  assert.equal((await one.ask('DELETE', '/api/v1/auth/sessions')).status, 204)
  assert.equal((await owner.ask('GET', '/api/v1/auth/me')).status, 200)
})

it('signs out everywhere when the password changes', async () => {
  const { people } = identityApi()
  const email = 'changes@example.org'
  await people.add(tenantRealm(tenant), { email, name: 'C', role: 'reader', password: PASSWORD })
  const [one, two] = [browser(), browser()]
  for (const client of [one, two]) assert.equal((await signIn(client, PASSWORD, email)).status, 200)
  const next = 'another long sentence'
  const weak = await one.ask('POST', '/api/v1/auth/password', { current: PASSWORD, next: 'short' })
  assert.equal(weak.status, 400)
  const wrong = await one.ask('POST', '/api/v1/auth/password', { current: 'wrong password', next })
  assert.equal(wrong.status, 401)
  assert.equal((await one.ask('POST', '/api/v1/auth/password', { current: PASSWORD, next })).status, 204)
  assert.equal((await two.ask('GET', '/api/v1/auth/me')).status, 401)
  assert.equal((await two.ask('POST', '/api/v1/auth/refresh')).status, 401)
  assert.equal((await signIn(browser(), PASSWORD, email)).status, 401)
  assert.equal((await signIn(browser(), next, email)).status, 200)
})

it('publishes the keys without their private halves', async () => {
  const { status, body } = await browser().ask('GET', '/.well-known/jwks.json')
  assert.equal(status, 200)
  const { keys } = JSON.parse(body)
  assert.ok(keys.length > 0)
  for (const key of keys)
    assert.deepEqual(Object.keys(key).toSorted(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
})

it('keeps somebody in charge, also when two step down at once', async () => {
  const { people } = identityApi()
  const fresh = tenantRealm(await platform.makeTenant('rows'))
  const add = (email: string) => people.add(fresh, { email, name: 'O', role: 'owner', password: null })
  const ids = [await add('a@example.org'), await add('b@example.org')]
  const results = await Promise.allSettled(ids.map((id) => people.change(fresh, id, { role: 'reader' })))
  assert.deepEqual(results.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
})

function fromBase32(text: string): Buffer {
  const bits = [...text].map((letter) =>
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'),
  )
  return Buffer.from((bits.join('').match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)))
}
