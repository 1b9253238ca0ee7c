import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { type EdgeAnswer, type EdgeApi, edge } from '../edge/index.ts'
import { type IdentityApi, identity, tenantRealm } from '../identity/index.ts'
import { type LifecycleApi, lifecycle } from './index.ts'

const PASSWORD = 'a long enough sentence'
const PERSON = { email: 'mia@example.org', name: 'Mia', role: 'owner', password: PASSWORD }
let platform: TestPlatform
before(async () => {
  platform = await testPlatform([edge, identity, lifecycle])
  await platform.serve()
})
after(() => platform?.stop())

async function ask(
  host: string,
  cookie: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<EdgeAnswer> {
  return (platform.api('edge') as EdgeApi).request({
    host,
    path,
    method,
    headers: { cookie, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
}

async function signIn(host: string): Promise<string> {
  const answer = await ask(host, '', 'POST', '/api/v1/auth/sign-in', {
    email: PERSON.email,
    password: PASSWORD,
  })
  assert.equal(answer.status, 200, answer.body)
  return [answer.headers['set-cookie'] ?? []]
    .flat()
    .map((line) => line.slice(0, line.indexOf(';')))
    .join('; ')
}

for (const model of ['rows', 'database'] as const) {
  it(`${model}: a suspended tenant signs in, reads, sees its time and is refused every change`, async () => {
    const { suspend, reactivate } = platform.api('lifecycle') as LifecycleApi
    const tenant = await platform.makeTenant(model)
    const host = tenant.hosts[0] as string
    await (platform.api('identity') as IdentityApi).people.add(tenantRealm(tenant), PERSON)
    const early = await signIn(host)
    assert.deepEqual(JSON.parse((await ask(host, early, 'GET', '/api/v1/account')).body), {
      slug: tenant.slug,
      name: tenant.name,
      state: 'active',
      suspendedAt: null,
      erasedAfter: null,
      daysLeft: null,
    })

    await suspend(tenant.slug)
    const cookie = await signIn(host)
    const account = JSON.parse((await ask(host, cookie, 'GET', '/api/v1/account')).body)
    assert.equal(account.state, 'suspended')
    assert.equal(account.daysLeft, 89)
    assert.equal(Date.parse(account.erasedAfter) - Date.parse(account.suspendedAt), 90 * 86_400_000)
    assert.equal((await ask(host, cookie, 'GET', '/api/v1/people')).status, 200)
    const added = await ask(host, cookie, 'POST', '/api/v1/people', { ...PERSON, email: 'new@example.org' })
    assert.equal(added.status, 423, added.body)
    assert.equal(JSON.parse(added.body).code, 'tenant-read-only')
    // A route that the guard lets through meets the database.
    const changed = { current: PASSWORD, next: 'another long enough sentence' }
    const password = await ask(host, cookie, 'POST', '/api/v1/auth/password', changed)
    assert.equal(password.status, 423, password.body)

    await suspend(tenant.slug)
    const again = JSON.parse((await ask(host, cookie, 'GET', '/api/v1/account')).body)
    assert.equal(again.suspendedAt, account.suspendedAt)

    await reactivate(tenant.slug)
    const after = JSON.parse((await ask(host, cookie, 'GET', '/api/v1/account')).body)
    assert.deepEqual([after.state, after.erasedAfter], ['active', null])
  })
}
