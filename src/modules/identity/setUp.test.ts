import assert from 'node:assert/strict'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, beforeEach, it } from 'node:test'
import { sql } from 'drizzle-orm'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { databases } from '../../data/roles.ts'
import { type EdgeApi, edge } from '../edge/index.ts'
import { limits } from '../limits/index.ts'
import { type IdentityApi, identity } from './index.ts'

const PASSWORD = 'a long enough sentence'
const ada = { name: 'Ada', email: 'Ada@example.org', password: PASSWORD }
let platform: TestPlatform
before(async () => {
  platform = await testPlatform([edge, limits, identity])
  await platform.serve()
})
after(() => platform?.stop())
// As on the first day.
beforeEach(async () => {
  await asSuperuser('TRUNCATE identity.person CASCADE; TRUNCATE identity.set_up')
  await platform.stores.redis.flushdb()
})

const api = () => platform.api('identity') as IdentityApi
const file = () => join(platform.stores.secrets, 'set-up-token')
const asSuperuser = (statement: string) =>
  platform.asSuperuser(databases.control, (client) => client.query(statement))
const operators = () => api().people.list(api().operators)
const offered = async () => (await api().setUp.offer()) as string

async function ask(method: string, path: string, body?: unknown, from?: string) {
  const { adminHost, request } = platform.api('edge') as EdgeApi
  const answer = await request({
    host: adminHost,
    method,
    path,
    ...(from ? { from } : {}),
    ...(body ? { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) } : {}),
  })
  return { status: answer.status, ...(answer.body ? JSON.parse(answer.body) : {}) }
}
const setUp = (token: string, more = {}) => ask('POST', '/api/v1/set-up', { token, ...ada, ...more })

it('makes the first operator by a link that stands in a file of mode 0600, and as a hash in the database', async () => {
  const token = await offered()
  assert.match(token, /^[0-9a-f]{64}$/)
  assert.equal(statSync(file()).mode & 0o777, 0o600)
  assert.equal(await offered(), token)
  const { rows } = await asSuperuser('SELECT s::text AS row FROM identity.set_up s')
  assert.ok(!rows[0].row.includes(token))
  assert.deepEqual(await ask('GET', '/api/v1/set-up'), { status: 200, open: true })
  assert.deepEqual(await ask('POST', '/api/v1/set-up/link', { token }), { status: 200, passwordLength: 15 })
  assert.equal((await setUp(token)).status, 204)
  const [first, ...others] = await operators()
  assert.deepEqual(
    [first?.email, first?.role, first?.state, others.length],
    ['ada@example.org', 'admin', 'active', 0],
  )
  const signedIn = await ask('POST', '/api/v1/auth/sign-in', { email: ada.email, password: PASSWORD })
  assert.equal(signedIn.status, 200)
  assert.equal(existsSync(file()), false)
  assert.equal((await asSuperuser(`SELECT FROM identity.event WHERE kind = 'set-up'`)).rowCount, 1)
})

it('takes no other token and no password that could not be chosen otherwise', async () => {
  const token = await offered()
  for (const [other, status] of [
    ['0'.repeat(64), 403],
    [`${token.slice(0, -1)}${token.endsWith('0') ? '1' : '0'}`, 403],
    [token.slice(1), 400],
    ['', 400],
  ] as const)
    for (const path of ['/api/v1/set-up', '/api/v1/set-up/link'])
      assert.equal((await ask('POST', path, { token: other, ...ada })).status, status)
  for (const password of ['short', 'ada@example.org1', 'passwordpassword'])
    assert.equal((await setUp(token, { password })).code, 'password-weak', password)
  assert.equal((await setUp(token, { email: 'ada@canary.invalid' })).code, 'set-up-refused')
  assert.deepEqual(await operators(), [])
  assert.equal((await setUp(token)).status, 204)
})

it('of two who set up at once, one becomes the operator', async () => {
  const token = await offered()
  const answers = await Promise.all(
    ['one', 'two'].map((name) => setUp(token, { name, email: `${name}@example.org` })),
  )
  assert.deepEqual(answers.map(({ status, code }) => code ?? status).toSorted(), [204, 'set-up-closed'])
  assert.equal((await operators()).length, 1)
})

it('is over for good once there was an operator, whatever became of them', async () => {
  const token = await offered()
  assert.equal((await setUp(token)).status, 204)
  const closed = async (when: string) => {
    assert.equal(await api().setUp.offer(), null, when)
    assert.deepEqual(await ask('GET', '/api/v1/set-up'), { status: 200, open: false }, when)
    assert.deepEqual((await setUp(token, { email: 'second@example.org' })).code, 'set-up-closed', when)
  }
  await closed('active')
  await asSuperuser(`UPDATE identity.person SET state = 'disabled'`)
  await closed('disabled')
  await asSuperuser('DELETE FROM identity.person')
  await closed('removed')
  const reopened = api().operators.transaction((run) => run(sql`UPDATE identity.set_up SET closed_at = NULL`))
  await assert.rejects(reopened, /refused access/)
})

it('is over when the first operator came by the command line, and not because of a probe', async () => {
  const token = await offered()
  const { people } = api()
  const about = { name: 'P', role: 'admin', password: null }
  await people.add(api().operators, { ...about, email: 'visitor@canary.invalid' })
  assert.equal(await offered(), token)
  await people.add(api().operators, { ...about, email: 'grace@example.org' })
  assert.equal((await setUp(token)).code, 'set-up-closed')
  assert.equal(await api().setUp.offer(), null)
  assert.equal(existsSync(file()), false)
})

it('slows down who guesses', async () => {
  await offered()
  const guess = () => ask('POST', '/api/v1/set-up/link', { token: '0'.repeat(64) }, '198.18.0.1')
  const answers = await Promise.all(Array.from({ length: 40 }, guess))
  assert.equal(answers.filter(({ status }) => status === 403).length, 30)
  assert.equal(answers.filter(({ status }) => status === 429).length, 10)
})
