import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { type MailServer, openMailServer } from '../../../test/support/mailServer.ts'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { newId } from '../../kernel/ids.ts'
import { type EdgeApi, edge } from '../edge/index.ts'
import { type IdentityApi, identity } from './index.ts'
import { type Realm, tenantRealm } from './realm.ts'
import { stepOf, totpCode } from './totp.ts'

const PASSWORD = 'a long enough sentence'
const NEXT = 'another long sentence'
let server: MailServer
let platform: TestPlatform
let realm: Realm
let host: string
before(async () => {
  server = await openMailServer()
  platform = await testPlatform([edge, identity], { mail: server.settings })
  await platform.serve()
  const tenant = await platform.makeTenant('rows')
  realm = tenantRealm(tenant)
  host = tenant.hosts[0] as string
})
after(async () => {
  await platform?.stop()
  await server?.close()
})

const api = () => platform.api('identity') as IdentityApi
async function ask(path: string, body: unknown, cookie = '') {
  const answer = await (platform.api('edge') as EdgeApi).request({
    host,
    method: 'POST',
    path: `/api/v1/auth${path}`,
    headers: { 'content-type': 'application/json', cookie },
    body: JSON.stringify(body),
  })
  const cookies = [answer.headers['set-cookie'] ?? []].flat().map((line) => line.split(';')[0])
  return { status: answer.status, body: answer.body, cookie: cookies.join('; ') }
}
async function newPerson() {
  const email = `${newId()}@example.org`
  const id = await api().people.add(realm, { email, name: 'Mia', role: 'reader', password: PASSWORD })
  return {
    id,
    email,
    mail: (text: RegExp) => server.take(({ to, body }) => to[0] === email && text.test(body)),
  }
}
const signIn = (email: string, password: string) => ask('/sign-in', { email, password })
const tokenIn = (body: string) => /invitation#([\w-]+)/.exec(body)?.[1] ?? ''

it('tells the member by mail, over TLS, when a session was ended as stolen', async () => {
  const { email, mail } = await newPerson()
  const { sessions, people } = api()
  const person = await people.signIn(realm, email, PASSWORD)
  const { refresh } = await sessions.begin(realm, person, { device: 'test', factors: ['pwd'] })
  await sessions.refresh(realm, refresh)
  for (let n = 0; n < 2; n += 1) await sessions.refresh(realm, refresh)
  await assert.rejects(sessions.refresh(realm, refresh), { code: 'sign-in-refused' })
  assert.equal((await mail(/sign-in token was used again/)).secure, true)
})

it('tells the member by mail when the password or a second factor changes', async () => {
  const { email, mail } = await newPerson()
  const { cookie } = await signIn(email, PASSWORD)
  const changed = await ask('/password', { current: PASSWORD, next: NEXT }, cookie)
  assert.equal(changed.status, 204, changed.body)
  await mail(/Your password was changed/)
})

it('lets who forgot the password choose another, once, and ends all sessions', async () => {
  const { email, mail } = await newPerson()
  const before = await signIn(email, PASSWORD)
  assert.equal((await ask('/forgotten-password', { email: email.toUpperCase() })).status, 204)
  const token = tokenIn((await mail(/Choose a new password/)).body)
  const whom = await ask('/invitation', { token })
  assert.equal(JSON.parse(whom.body).email, email)
  assert.equal((await ask('/invitation/accept', { token, password: 'short' })).status, 400)
  assert.equal((await ask('/invitation/accept', { token, password: NEXT })).status, 204)
  await mail(/Your password was changed/)
  const again = await ask('/invitation/accept', { token, password: 'yet another sentence' })
  assert.equal(JSON.parse(again.body).code, 'reset-refused')
  assert.equal((await ask('/refresh', {}, before.cookie)).status, 401)
  assert.equal((await signIn(email, PASSWORD)).status, 401)
  assert.equal((await signIn(email, NEXT)).status, 200)
})

it('sends one link however often it is asked, none to strangers, and answers all the same', async () => {
  const { id, email, mail } = await newPerson()
  const stranger = `${newId()}@example.org`
  const answers = await Promise.all(
    [email, email, email, stranger].map((address) => ask('/forgotten-password', { email: address })),
  )
  assert.deepEqual(new Set(answers.map(({ status, body }) => `${status} ${body}`)), new Set(['204 ']))
  const token = tokenIn((await mail(/Choose a new password/)).body)
  // By then the others have been decided: they wait for the same row.
  await api().people.change(realm, id, { role: 'editor' })
  assert.deepEqual(
    server.mails.filter(({ to }) => [email, stranger].includes(to[0] as string)),
    [],
  )
  await api().people.change(realm, id, { state: 'disabled' })
  assert.equal((await ask('/invitation/accept', { token, password: NEXT })).status, 403)
})

it('a link is good in its own tenant alone, and does not go round the second factor', async () => {
  const { id, email, mail } = await newPerson()
  const other = tenantRealm(await platform.makeTenant('rows'))
  const { secondFactors } = api()
  const secret = await secondFactors.enrol(realm, id, 1)
  await secondFactors.confirm(realm, id, totpCode(secret, stepOf(new Date())), 1)
  await ask('/forgotten-password', { email })
  const token = tokenIn((await mail(/Choose a new password/)).body)
  await assert.rejects(api().invitations.read(other, token), { code: 'invitation-refused' })
  assert.equal((await ask('/invitation/accept', { token, password: NEXT })).status, 204)
  const { cookie } = await signIn(email, NEXT)
  const me = await (platform.api('edge') as EdgeApi).request({
    host,
    path: '/api/v1/auth/me',
    headers: { cookie },
  })
  assert.equal(JSON.parse(me.body).secondFactorDue, true)
})
