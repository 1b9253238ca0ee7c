import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { systemClock } from '../../kernel/clock.ts'
import type { EdgeApi } from '../edge/index.ts'
import { type IdentityApi, identity, tenantRealm } from '../identity/index.ts'
import type { JobsApi } from '../jobs/index.ts'
import { openAccounts } from './accounts.ts'
import { billing } from './index.ts'
import { WEBHOOK_PATH } from './routes.ts'

const HOUR = 3_600_000
let platform: TestPlatform
let edge: EdgeApi
let operator: string
before(async () => {
  platform = await testPlatform([billing, identity], {
    // Mollie is away: nothing may leave.
    billing: { key: 'test_AKeyThatOpensNothingAtAll' },
    egress: { register: [] },
    jobs: { attempts: 1, firstDelay: '10ms' },
  })
  await platform.serve()
  edge = platform.api('edge') as EdgeApi
  const { people, operators, apiTokens } = platform.api('identity') as IdentityApi
  const person = { email: 'op@example.org', name: 'Op', role: 'admin', password: null }
  const id = await people.add(operators, person)
  const about = { name: 'test', permissions: ['*.*'], life: HOUR }
  operator = (await apiTokens.issue(operators, id, about)).token
})
after(() => platform?.stop())

const asOperator = async (method: string, path: string) => {
  const headers = { authorization: `Bearer ${operator}` }
  const { status, body } = await edge.request({ host: edge.adminHost, path, method, headers })
  return { status, body: body ? JSON.parse(body) : null }
}
const webhook = (body: string, type = 'application/x-www-form-urlencoded') =>
  edge.request({
    host: edge.trustHost,
    path: WEBHOOK_PATH,
    method: 'POST',
    headers: { 'content-type': type },
    body,
  })
const idOf = (kind: string) => `${kind}_${randomBytes(6).toString('hex')}`

it('keeps what a webhook names and answers before anything is asked; refuses what is no id', async () => {
  const id = idOf('tr')
  assert.equal((await webhook(`id=${id}`)).status, 200)
  const { body } = await asOperator('GET', '/api/v1/billing/notifications?limit=10')
  assert.equal(body.filter((one: { resourceId: string }) => one.resourceId === id).length, 1)
  for (const bad of ['', 'id=', 'id=ord_1', "id=tr_1';DROP", `id=tr_${'a'.repeat(60)}`])
    assert.equal((await webhook(bad)).status, 400, bad)
  assert.equal((await webhook('<id>tr_1</id>', 'text/xml')).status, 415)
})

it('shows operators what was given up, and tries it again at their word', async () => {
  const jobs = platform.api('jobs') as JobsApi
  const id = idOf('tr')
  await webhook(`id=${id}`)
  await jobs.work()
  const dead = async () => {
    const { status, body } = await asOperator('GET', '/api/v1/jobs/dead')
    assert.equal(status, 200)
    return body as { kind: string; id: string; reason: string }[]
  }
  let found: Awaited<ReturnType<typeof dead>> = []
  for (let left = 200; found.length < 2 && left > 0; left--) found = await dead()
  assert.match(found[0]?.reason ?? '', /is refused: not-registered/)
  await jobs.drain(1_000)
  const [first] = found
  const path = `/api/v1/jobs/dead/${first?.kind}/${first?.id}`
  assert.equal((await asOperator('POST', `${path}/retry`)).status, 204)
  assert.equal((await asOperator('POST', `${path}/retry`)).status, 404)
  const counts = (await asOperator('GET', '/api/v1/jobs')).body as { kind: string; waiting: number }[]
  assert.equal(counts.find(({ kind }) => kind === 'billing.event')?.waiting, 1)
  const [, second] = found
  const other = `/api/v1/jobs/dead/${second?.kind}/${second?.id}`
  assert.equal((await asOperator('DELETE', other)).status, 204)
  assert.equal((await asOperator('DELETE', other)).status, 404)
})

it('revives a notification that was given up', async () => {
  const { control } = platform.stores
  const [row] = await control.query<{ id: string }>(`UPDATE billing.inbox SET state = 'dead' WHERE id =
    (SELECT id FROM billing.inbox WHERE state = 'retry' LIMIT 1) RETURNING id`)
  const path = `/api/v1/billing/notifications/${row?.id}/retry`
  assert.equal((await asOperator('POST', path)).status, 204)
  assert.equal((await asOperator('POST', path)).status, 404)
})

it('shows a tenant its own bill and nobody else', async () => {
  const tenant = await platform.makeTenant('rows')
  const other = await platform.makeTenant('rows')
  const accounts = openAccounts(platform.stores.control, systemClock)
  const customerId = idOf('cst')
  await accounts.link(tenant.id, { customerId, subscriptionId: null })
  const { people, apiTokens } = platform.api('identity') as IdentityApi
  const ask = async (of: typeof tenant, role: string) => {
    const person = { email: `${role}@example.org`, name: role, role, password: null }
    const id = await people.add(tenantRealm(of), person)
    const about = { name: 'test', permissions: ['*.*'], life: HOUR }
    const { token } = await apiTokens.issue(tenantRealm(of), id, about)
    const headers = { authorization: `Bearer ${token}` }
    return edge.request({ host: of.hosts[0] as string, path: '/api/v1/billing', headers })
  }
  const own = await ask(tenant, 'owner')
  assert.deepEqual(JSON.parse(own.body), {
    customerId,
    subscriptionId: null,
    subscription: null,
    bookings: [],
  })
  assert.equal((await ask(tenant, 'reader')).status, 403)
  assert.equal((await ask(other, 'owner')).status, 404)
})
