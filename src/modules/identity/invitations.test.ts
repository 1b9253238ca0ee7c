import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { type EdgeApi, edge } from '../edge/index.ts'
import type { Tenant } from '../tenancy/index.ts'
import { type IdentityApi, identity } from './index.ts'
import { openInvitations } from './invitations.ts'
import { tenantRealm } from './realm.ts'

const PASSWORD = 'a long enough sentence'
const DAY = 86_400_000
let platform: TestPlatform
let tenants: Record<'rows' | 'database', Tenant>
before(async () => {
  platform = await testPlatform([edge, identity])
  await platform.serve()
  tenants = { rows: await platform.makeTenant('rows'), database: await platform.makeTenant('database') }
})
after(() => platform?.stop())

const api = () => platform.api('identity') as IdentityApi
const realm = () => tenantRealm(tenants.rows)
const refused = { code: 'invitation-refused' }

async function invited(role = 'reader') {
  const email = `${crypto.randomUUID()}@example.org`
  const id = await api().people.add(realm(), { email, name: 'Mia Sommer', role, password: null })
  return { id, email, ...(await api().invitations.make(realm(), id)) }
}

it('lets the invited person in by the password that they choose, once', async () => {
  const { token, email } = await invited()
  assert.equal((await api().invitations.read(realm(), token)).email, email)
  await api().invitations.accept(realm(), token, PASSWORD)
  assert.equal((await api().people.signIn(realm(), email, PASSWORD)).email, email)
  await assert.rejects(api().invitations.accept(realm(), token, `${PASSWORD} of mine`), refused)
  await assert.rejects(api().invitations.read(realm(), token), refused)
  await assert.rejects(api().people.signIn(realm(), email, `${PASSWORD} of mine`), { status: 401 })
})

it('of two who accept at once, one gets in', async () => {
  const { token, email } = await invited()
  const passwords = [`${PASSWORD} one`, `${PASSWORD} two`]
  const tries = await Promise.allSettled(
    passwords.map((password) => api().invitations.accept(realm(), token, password)),
  )
  assert.deepEqual(tries.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
  const winner = passwords[tries.findIndex(({ status }) => status === 'fulfilled')] as string
  assert.equal((await api().people.signIn(realm(), email, winner)).email, email)
})

it('takes no password that could not be chosen otherwise', async () => {
  const { token, email } = await invited()
  await assert.rejects(api().invitations.accept(realm(), token, 'short'), { code: 'password-weak' })
  await assert.rejects(api().invitations.accept(realm(), token, email), { code: 'password-weak' })
  await api().invitations.accept(realm(), token, PASSWORD)
})

it('is good for nobody else: changed in any byte, at another tenant, for operators', async () => {
  const { token } = await invited()
  const bytes = Buffer.from(token, 'base64url')
  for (let i = 0; i < bytes.length; i += 1) {
    const changed = Buffer.from(bytes)
    changed[i] = (changed[i] as number) ^ 1
    await assert.rejects(api().invitations.read(realm(), changed.toString('base64url')), refused, `byte ${i}`)
  }
  await assert.rejects(api().invitations.read(tenantRealm(tenants.database), token), refused)
  await assert.rejects(api().invitations.read(api().operators, token), refused)
  await api().invitations.read(realm(), token)
})

it('ends after seven days, and with the access of the person', async () => {
  const { id, token, expiresAt } = await invited()
  const left = Date.parse(expiresAt) - Date.now()
  assert.ok(left > 6.9 * DAY && left <= 7 * DAY, `${left}`)
  const key = Buffer.alloc(32, 7)
  let now = Date.now()
  const shifted = openInvitations(key, api().passwords, { now: () => new Date(now) })
  const later = (await shifted.make(realm(), id)).token
  now += 7 * DAY - 1
  await shifted.read(realm(), later)
  now += 1
  await assert.rejects(shifted.read(realm(), later), refused)
  await api().people.change(realm(), id, { state: 'disabled' })
  await assert.rejects(api().invitations.accept(realm(), token, PASSWORD), refused)
  await assert.rejects(api().invitations.make(realm(), id), { code: 'already-joined' })
})

it('ends when the person came in by other means', async () => {
  const { id, token } = await invited()
  await api().sessions.begin(realm(), { id, password: null }, { device: 'phone', factors: ['sso'] })
  await assert.rejects(api().invitations.accept(realm(), token, PASSWORD), refused)
})

it('is made only by who may decide about the role', async () => {
  const email = 'manager@example.org'
  const about = { email, name: 'Max', role: 'manager', password: PASSWORD }
  await api().people.add(realm(), about)
  const person = await api().people.signIn(realm(), email, PASSWORD)
  const { access } = await api().sessions.begin(realm(), person, { device: 'x', factors: ['pwd', 'otp'] })
  const { id } = await invited('owner')
  const asked = await (platform.api('edge') as EdgeApi).request({
    host: tenants.rows.hosts[0] as string,
    method: 'POST',
    path: `/api/v1/people/${id}/invitation`,
    headers: { authorization: `Bearer ${access}` },
  })
  assert.deepEqual([asked.status, JSON.parse(asked.body).code], [403, 'role-too-high'])
})

it('a reset takes away everything that gets in, and only the new invitation is good', async () => {
  const { id, email, token: before } = await invited()
  await api().invitations.accept(realm(), before, PASSWORD)
  const person = await api().people.signIn(realm(), email, PASSWORD)
  const { access, refresh } = await api().sessions.begin(realm(), person, { device: 'x', factors: ['pwd'] })
  const about = { name: 'shop', permissions: ['content.read'], life: DAY }
  const { token: program } = await api().apiTokens.issue(realm(), id, about)
  await api().secondFactors.enrol(realm(), id, 1)
  const asked: string[] = []
  const { token } = await api().invitations.reset(realm(), id, (role) => asked.push(role))
  assert.deepEqual(asked, ['reader'])
  await assert.rejects(api().people.signIn(realm(), email, PASSWORD), { status: 401 })
  await assert.rejects(api().sessions.whose(realm(), access), { status: 401 })
  await assert.rejects(api().sessions.refresh(realm(), refresh), { status: 401 })
  await assert.rejects(api().apiTokens.whose(realm(), program), { status: 401 })
  await assert.rejects(api().invitations.accept(realm(), before, PASSWORD), refused)
  await api().invitations.accept(realm(), token, `${PASSWORD} anew`)
  assert.equal((await api().people.signIn(realm(), email, `${PASSWORD} anew`)).id, id)
})

it('a reset that is not allowed changes nothing', async () => {
  const { id, email, token } = await invited('owner')
  await api().invitations.accept(realm(), token, PASSWORD)
  const forbid = () => {
    throw new Error('not yours')
  }
  await assert.rejects(api().invitations.reset(realm(), id, forbid), /not yours/)
  await api().people.signIn(realm(), email, PASSWORD)
})
