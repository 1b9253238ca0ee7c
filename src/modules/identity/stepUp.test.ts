import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { sql } from 'drizzle-orm'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { newId } from '../../kernel/ids.ts'
import { api as openApi, readOperations } from '../api/index.ts'
import { type EdgeApi, edge } from '../edge/index.ts'
import { type IdentityApi, identity } from './index.ts'
import { codeOfProblem, familyOf } from './probing.ts'
import { type Realm, tenantRealm } from './realm.ts'

let platform: TestPlatform
let host: string
let realm: Realm
before(async () => {
  platform = await testPlatform([edge, identity, openApi])
  await platform.serve()
  const tenant = await platform.makeTenant('rows')
  host = tenant.hosts[0] as string
  realm = tenantRealm(tenant)
})
after(() => platform?.stop())

const doors = () => platform.api('edge') as EdgeApi
const api = () => platform.api('identity') as IdentityApi

async function owner(): Promise<string> {
  const email = `${newId()}@example.org`
  return api().people.add(realm, { email, name: 'O', role: 'owner', password: null })
}
const addPerson = async (credential: string) =>
  codeOfProblem(
    await doors().request({
      host,
      method: 'POST',
      path: '/api/v1/people',
      headers: { authorization: `Bearer ${credential}`, 'content-type': 'application/json' },
      body: JSON.stringify({ email: `${newId()}@example.org`, name: 'N', role: 'reader' }),
    }),
  )
const session = (id: string) =>
  familyOf(api().sessions, api().people, { realm, id, email: '', password: '' }).then(({ access }) => access)
const age = (id: string, ms: number) =>
  realm.transaction((run) =>
    run(sql`UPDATE identity.session SET authenticated_at = authenticated_at - make_interval(secs => ${ms / 1000})
      WHERE person_id = ${id}`),
  )

it('an act that lasts needs a factor shown within ten minutes', async () => {
  const id = await owner()
  const access = await session(id)
  assert.equal(await addPerson(access), '201')
  await age(id, 590_000)
  assert.equal(await addPerson(access), '201')
  await age(id, 20_000)
  assert.equal(await addPerson(access), 'step-up-needed')
  const me = await doors().request({
    host,
    path: '/api/v1/auth/me',
    headers: { authorization: `Bearer ${access}` },
  })
  assert.equal(me.status, 200)
  assert.equal(await addPerson(await session(id)), '201')
})

it('an API token does not do it, whatever it was made for', async () => {
  const id = await owner()
  const about = { name: 'all', permissions: ['*.*'], life: 60_000 }
  const { token } = await api().apiTokens.issue(realm, id, about)
  assert.equal(await addPerson(token), 'step-up-needed')
})

it('the document says which acts these are', async () => {
  const document = await doors().request({ host, path: '/api/v1/openapi.json' })
  const { paths } = JSON.parse(document.body) as {
    paths: Record<string, Record<string, { 'x-recent'?: true }>>
  }
  const recent = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, about]) => (about['x-recent'] ? [`${method} ${path}`] : [])),
  )
  assert.ok((await readOperations(doors(), host)).length > recent.length)
  for (const act of [
    'post /api/v1/people',
    'post /api/v1/auth/tokens',
    'put /api/v1/roles/{role}/second-factor',
  ])
    assert.ok(recent.includes(act), `${act}: ${recent.join('; ')}`)
})
