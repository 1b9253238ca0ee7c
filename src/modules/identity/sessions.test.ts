import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import bcrypt from 'bcrypt'
import { sql } from 'drizzle-orm'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { newId } from '../../kernel/ids.ts'
import { openAccessTokens } from './accessTokens.ts'
import { openGraceWindow } from './graceWindow.ts'
import { type IdentityApi, identity } from './index.ts'
import { type Realm, tenantRealm } from './realm.ts'
import { openRefreshTokens } from './refreshTokens.ts'
import { openSessions } from './sessions.ts'

const DAY = 86_400_000
let platform: TestPlatform
let realm: Realm
before(async () => {
  platform = await testPlatform([identity])
  realm = tenantRealm(await platform.makeTenant('rows'))
})
after(() => platform?.stop())

async function begun() {
  const { people, keys } = platform.api('identity') as IdentityApi
  let ahead = 0
  const clock = { now: () => new Date(Date.now() + ahead) }
  const sessions = openSessions({
    clock,
    access: openAccessTokens(keys, 'surety', clock),
    refreshTokens: openRefreshTokens(Buffer.alloc(32, 7)),
    window: openGraceWindow(platform.stores.redis, 10_000),
    accessLife: 300_000,
    sessionLife: 30 * DAY,
    idleLife: 7 * DAY,
    grace: 10_000,
    theftAt: 3,
    onAlarm: () => undefined,
  })
  const email = `${newId()}@example.org`
  const id = await people.add(realm, { email, name: 'P', role: 'reader', password: null })
  const tokens = await sessions.begin(realm, { id, password: null }, { device: 'd', factors: ['pwd'] })
  return { sessions, tokens, pass: (ms: number) => (ahead += ms) }
}

it('ends a session that was not used for its idle life', async () => {
  const { sessions, tokens, pass } = await begun()
  pass(7 * DAY - 1_000)
  const next = await sessions.refresh(realm, tokens.refresh)
  pass(7 * DAY + 1_000)
  await assert.rejects(sessions.refresh(realm, next.refresh), { code: 'sign-in-refused' })
})

it('ends a session at the end of its life, however much it was used', async () => {
  const { sessions, tokens, pass } = await begun()
  let { refresh } = tokens
  for (let day = 0; day < 29; day += 1) {
    pass(DAY)
    refresh = (await sessions.refresh(realm, refresh)).refresh
  }
  pass(DAY)
  await assert.rejects(sessions.refresh(realm, refresh), { code: 'sign-in-refused' })
})

it('gives access for five minutes at a time', async () => {
  const { sessions, tokens, pass } = await begun()
  pass(294_000)
  await sessions.whose(realm, tokens.access)
  pass(20_000)
  await assert.rejects(sessions.whose(realm, tokens.access), { code: 'sign-in-refused' })
})

it('begins while the tenant is suspended, also by a hash that would be replaced otherwise', async () => {
  const { people, sessions } = platform.api('identity') as IdentityApi
  const tenant = await platform.makeTenant('rows')
  const [there, password] = [tenantRealm(tenant), 'a long enough sentence']
  const email = `${newId()}@example.org`
  const id = await people.add(there, { email, name: 'P', role: 'reader', password })
  const old = await bcrypt.hash(password, 10)
  await there.transaction((run) => run(sql`UPDATE identity.person SET password = ${old} WHERE id = ${id}`))
  await platform.tenancy.setState(tenant.slug, 'suspended')
  const suspended = tenantRealm(await platform.tenancy.bySlug(tenant.slug))
  const person = await people.signIn(suspended, email, password)
  assert.equal(person.password, old)
  const { access } = await sessions.begin(suspended, person, { device: 'd', factors: ['pwd'] })
  assert.equal((await sessions.whose(suspended, access)).person.id, id)
})
