import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import type { EdgeAnswer, EdgeApi } from '../edge/index.ts'
import type { IdentityApi } from '../identity/index.ts'
import type { JobsApi } from '../jobs/index.ts'
import { type LifecycleApi, lifecycle } from './index.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([lifecycle])
  await platform.serve()
  await (platform.api('jobs') as JobsApi).work()
})
after(() => platform?.stop())

async function signIn(role: string) {
  const { people, sessions, operators } = platform.api('identity') as IdentityApi
  const person = { email: `${role}-${process.pid}@example.org`, name: role, role, password: null }
  const id = await people.add(operators, person)
  const { access } = await sessions.begin(
    operators,
    { id, password: null },
    { device: 'test', factors: ['pwd', 'otp'] },
  )
  const edge = platform.api('edge') as EdgeApi
  return (method: string, path: string, body?: unknown): Promise<EdgeAnswer> =>
    edge.request({
      host: edge.adminHost,
      path,
      method,
      headers: { authorization: `Bearer ${access}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
}

it('an operator suspends and reactivates; a worker carries it out', async () => {
  const ask = await signIn('admin')
  const { slug } = await platform.makeTenant('rows')
  for (const state of ['suspended', 'active'] as const) {
    const answer = await ask('PUT', `/api/v1/tenants/${slug}/state`, { state })
    assert.equal(answer.status, 202, answer.body)
    for (let tries = 0; (await platform.tenancy.bySlug(slug)).state !== state; tries++) {
      assert.ok(tries < 400, `still not ${state}`)
      await sleep(50)
    }
  }
  assert.equal((await ask('PUT', '/api/v1/tenants/nobody/state', { state: 'active' })).status, 404)
  const support = await signIn('support')
  assert.equal((await support('PUT', `/api/v1/tenants/${slug}/state`, { state: 'suspended' })).status, 403)
})

it('an operator sees requests, their days, and what was erased', async () => {
  const api = platform.api('lifecycle') as LifecycleApi
  const ask = await signIn('auditor')
  const { slug, id: tenantId } = await platform.makeTenant('rows')
  const { id, dueOn } = await api.request(slug, 'telephone')
  const requests = async () => JSON.parse((await ask('GET', '/api/v1/erasure-requests')).body)
  const open = (await requests()).find((request: { id: string }) => request.id === id)
  assert.deepEqual([open.slug, open.dueOn, open.answeredAt], [slug, dueOn, null])
  await api.confirm(id, 'called back')
  await api.eraseOnRequest(id)
  const erasures = JSON.parse((await ask('GET', '/api/v1/erasures')).body)
  const erased = erasures.find((line: { tenantId: string }) => line.tenantId === tenantId)
  assert.equal(erased.because, 'request')
  assert.ok(erased.finishedAt)
  const answered = (await requests()).find((request: { id: string }) => request.id === id)
  assert.ok(answered.answeredAt)
})

it('a request that is answered without an erasure is closed, and the tenant stays', async () => {
  const api = platform.api('lifecycle') as LifecycleApi
  const { slug } = await platform.makeTenant('rows')
  const { id } = await api.request(slug, 'letter')
  await api.answer(id, 'its sender may not ask')
  assert.ok((await api.requests()).find((request) => request.id === id)?.answeredAt)
  assert.equal((await platform.tenancy.bySlug(slug)).state, 'active')
  await assert.rejects(api.answer(id, 'again'), { code: 'erasure-request-unknown' })
})
