import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { sql } from 'drizzle-orm'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { newId } from '../../kernel/ids.ts'
import { type EdgeApi, edge } from '../edge/index.ts'
import { type IdentityApi, identity } from './index.ts'
import { codeOfProblem } from './probing.ts'
import { type Realm, tenantRealm } from './realm.ts'
import { requireSecondFactor } from './roleRules.ts'

let platform: TestPlatform
let host: string
let members: Realm
before(async () => {
  platform = await testPlatform([edge, identity])
  await platform.serve()
  const tenant = await platform.makeTenant('rows')
  host = tenant.hosts[0] as string
  members = tenantRealm(tenant)
})
after(() => platform?.stop())

const api = () => platform.api('identity') as IdentityApi
const doors = () => platform.api('edge') as EdgeApi

/** Somebody who manages people, in a session that showed two factors. */
async function manager(realm = members, role = 'owner'): Promise<{ id: string; access: string }> {
  const email = `${newId()}@example.org`
  const id = await api().people.add(realm, { email, name: 'M', role, password: null })
  const about = { device: 'test', factors: ['pwd', 'otp'] }
  const { access } = await api().sessions.begin(realm, { id, password: null }, about)
  return { id, access }
}

async function ask(access: string, method: string, path: string, body?: object, at = host) {
  const type: Record<string, string> = body ? { 'content-type': 'application/json' } : {}
  const answer = await doors().request({
    host: at,
    method,
    path,
    headers: { authorization: `Bearer ${access}`, ...type },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
  return { code: codeOfProblem(answer), body: answer.body ? JSON.parse(answer.body) : null }
}

/** A program with a token, made through the front door. */
async function program(access: string, { role = 'manager', permissions = ['people.read'] } = {}, at = host) {
  const made = await ask(access, 'POST', '/api/v1/service-accounts', { name: 'Shop', role }, at)
  assert.equal(made.code, '201')
  const path = `/api/v1/service-accounts/${made.body.id}`
  const given = await ask(access, 'POST', `${path}/tokens`, { name: 'key', permissions, days: 30 }, at)
  assert.equal(given.code, '201', JSON.stringify(given.body))
  return {
    id: made.body.id as string,
    path,
    token: given.body.token as string,
    tokenId: given.body.id as string,
  }
}

for (const who of ['members', 'operators'] as const)
  it(`of ${who} have tokens and nothing else, apart from people`, async () => {
    const [realm, at] = who === 'members' ? [members, host] : [api().operators, doors().adminHost]
    const { access } = await manager(realm, who === 'members' ? 'owner' : 'admin')
    const { id, token } = await program(access, who === 'members' ? {} : { role: 'auditor' }, at)
    const { body: people } = await ask(token, 'GET', '/api/v1/people', undefined, at)
    assert.ok(people.every((person: { id: string }) => person.id !== id))
    const { body: accounts } = await ask(token, 'GET', '/api/v1/service-accounts', undefined, at)
    const [own] = accounts.filter((account: { id: string }) => account.id === id)
    assert.deepEqual([own.name, own.state, own.tokens.length], ['Shop', 'active', 1])
    assert.ok(!JSON.stringify(accounts).includes(token))
    for (const route of [
      `POST /api/v1/people/${id}/invitation`,
      `POST /api/v1/people/${id}/reset`,
      `PATCH /api/v1/people/${id}`,
    ]) {
      const [method = '', path = ''] = route.split(' ')
      const body = method === 'PATCH' ? { state: 'disabled' } : undefined
      assert.equal((await ask(access, method, path, body, at)).code, 'person-unknown', route)
    }
    const begin = api().sessions.begin(
      realm,
      { id, password: null },
      { device: 'x', factors: ['pwd', 'otp'] },
    )
    await assert.rejects(begin, { code: 'sign-in-refused' })
    await assert.rejects(
      realm.transaction((run) => run(sql`UPDATE identity.person SET password = '$x' WHERE id = ${id}`)),
    )
    assert.deepEqual(await events(realm, id), ['service-account-added', 'token-made'])
  })

const events = async (realm: Realm, id: string) =>
  (
    await realm.transaction((run) =>
      run<{ kind: string }>(sql`SELECT kind FROM identity.event WHERE person_id = ${id} ORDER BY id`),
    )
  ).map(({ kind }) => kind)

it('are nobody to act as', async () => {
  const { access } = await manager()
  const { id } = await program(access)
  const operator = { id: newId(), email: 'support@example.org' }
  for (const email of ['', id, 'Shop'])
    await assert.rejects(api().impersonations.start(members, operator, { email, reason: 'to try it out' }), {
      code: 'person-unknown',
    })
})

it('keep their tokens when whoever made them goes', async () => {
  const { id, access } = await manager()
  const { token } = await program(access)
  await manager() // somebody stays in charge
  await api().people.change(members, id, { state: 'disabled' })
  assert.equal((await ask(access, 'GET', '/api/v1/people')).code, 'sign-in-refused')
  await api().people.remove(members, id)
  assert.equal((await ask(token, 'GET', '/api/v1/people')).code, '200')
})

it('lose their tokens with a new role or when disabled, and for good', async () => {
  const { access } = await manager()
  const { path, token } = await program(access)
  assert.equal((await ask(access, 'PATCH', path, { role: 'manager' })).code, '204')
  assert.equal((await ask(token, 'GET', '/api/v1/people')).code, '200', 'the same role changes nothing')
  assert.equal((await ask(access, 'PATCH', path, { role: 'owner' })).code, '204')
  assert.equal((await ask(token, 'GET', '/api/v1/people')).code, 'sign-in-refused')
  const about = { name: 'next', permissions: ['people.read'], days: 1 }
  const { body: next } = await ask(access, 'POST', `${path}/tokens`, about)
  assert.equal((await ask(access, 'PATCH', path, { state: 'disabled' })).code, '204')
  assert.equal((await ask(next.token, 'GET', '/api/v1/people')).code, 'sign-in-refused')
  assert.equal((await ask(access, 'POST', `${path}/tokens`, about)).code, 'service-account-disabled')
  assert.equal((await ask(access, 'PATCH', path, { state: 'active' })).code, '204')
  assert.equal((await ask(next.token, 'GET', '/api/v1/people')).code, 'sign-in-refused')
})

it('lose one token when it is revoked', async () => {
  const { access } = await manager()
  const { path, token, tokenId } = await program(access)
  const other = await program(access)
  assert.equal((await ask(access, 'DELETE', `${other.path}/tokens/${tokenId}`)).code, '204')
  assert.equal((await ask(token, 'GET', '/api/v1/people')).code, '200', 'not by another account')
  assert.equal((await ask(access, 'DELETE', `${path}/tokens/${tokenId}`)).code, '204')
  assert.equal((await ask(token, 'GET', '/api/v1/people')).code, 'sign-in-refused')
})

it('get no more than whoever makes them has, and do nothing that asks for a person', async () => {
  const { access } = await manager(members, 'manager')
  const high = { name: 'Shop', role: 'owner' }
  assert.equal((await ask(access, 'POST', '/api/v1/service-accounts', high)).code, 'role-too-high')
  const { path } = await program(access)
  assert.equal((await ask(access, 'PATCH', path, { role: 'owner' })).code, 'role-too-high')
  const beyond = { name: 'x', permissions: ['roles.manage'], days: 1 }
  assert.equal((await ask(access, 'POST', `${path}/tokens`, beyond)).code, 'role-too-high')
  const owner = await manager()
  const all = await program(owner.access, { role: 'owner', permissions: ['*.*'] })
  assert.equal((await ask(access, 'PATCH', all.path, { state: 'disabled' })).code, 'role-too-high')
  const again = { name: 'Shop', role: 'reader' }
  assert.equal((await ask(all.token, 'POST', '/api/v1/service-accounts', again)).code, 'step-up-needed')
  assert.equal((await ask(all.token, 'GET', '/api/v1/auth/me')).code, 'forbidden')
})

it('are neither in charge nor asked for a second factor', async () => {
  const realm = tenantRealm(await platform.makeTenant('rows'))
  const add = (email: string) => api().people.add(realm, { email, name: 'O', role: 'owner', password: null })
  const owner = await add('owner@example.org')
  const id = await api().serviceAccounts.add(realm, { name: 'Shop', role: 'owner' }, owner)
  await assert.rejects(api().people.change(realm, owner, { role: 'reader' }), { code: 'last-owner' })
  await requireSecondFactor(realm, 'owner', true)
  const token = { name: 'key', permissions: ['*.*'], life: 60_000 }
  const made = await api().serviceAccounts.issue(realm, id, token, owner, () => undefined)
  assert.equal((await api().apiTokens.whose(realm, made.token)).person.id, id)
})
