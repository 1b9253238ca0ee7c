import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import type { Tenant } from '../../src/index.ts'
import { newId } from '../../src/kernel/ids.ts'
import type { EdgeApi } from '../../src/modules/edge/index.ts'
import { withAuthority } from '../../src/modules/egress/index.ts'
import { type IdentityApi, tenantRealm } from '../../src/modules/identity/index.ts'
import type { JobsApi } from '../../src/modules/jobs/index.ts'
import { openPushPeer, type PushPeer } from '../../src/modules/push/peer.ts'
import { apnsCredential } from '../../src/modules/push/peerKeys.ts'
import { until } from '../../test/support/holder.ts'
import { type TestPlatform, testPlatform } from '../../test/support/platform.ts'
import { seedDemo } from './demo.ts'
import { festival } from './index.ts'

let platform: TestPlatform
let peer: PushPeer
const folder = mkdtempSync(join(tmpdir(), 'stage-change-'))
before(async () => {
  const caFileName = join(folder, 'ca.crt')
  peer = await withAuthority(async ({ ca, leaf }) => {
    writeFileSync(caFileName, ca)
    return openPushPeer(await leaf('localhost'))
  })
  const { port } = peer
  const target = `localhost:${port}`
  const register = [
    { name: 'peer', purpose: 'push', country: 'DE', hosts: ['localhost'], port, modules: ['push'] },
  ]
  platform = await testPlatform([festival], {
    push: { apns: target, fcm: target, oauth: target },
    egress: { register, allowedNetworks: ['127.0.0.0/8', '::1/128'], caFileName },
    jobs: { prefix: `t${newId().slice(-12)}` },
  })
  await platform.serve()
  await (platform.api('jobs') as JobsApi).work()
})
after(async () => {
  await platform?.stop()
  await peer?.close()
  rmSync(folder, { recursive: true })
})

/** Asks at the festival's host, as its owner. */
async function organiser(tenant: Tenant) {
  const { people, sessions } = platform.api('identity') as IdentityApi
  const realm = tenantRealm(tenant)
  const person = { email: `${newId()}@example.org`, name: 'Organiser', role: 'owner', password: null }
  const id = await people.add(realm, person)
  const { access } = await sessions.begin(
    realm,
    { id, password: null },
    { device: 'test', factors: ['pwd', 'otp'] },
  )
  return ask(tenant, { authorization: `Bearer ${access}` })
}

const ask =
  (tenant: Tenant, headers: Record<string, string> = {}) =>
  async (method: string, path: string, body?: object) => {
    const answer = await (platform.api('edge') as EdgeApi).request({
      host: tenant.hosts[0] as string,
      method,
      path,
      headers: { ...headers, ...(body ? { 'content-type': 'application/json' } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    return { status: answer.status, body: answer.body === '' ? null : JSON.parse(answer.body) }
  }

for (const model of ['rows', 'database'] as const) {
  it(`${model}: a change of stage reaches the phones of those who registered`, async () => {
    const tenant = await platform.makeTenant(model)
    await seedDemo(tenant)
    const [admin, app] = [await organiser(tenant), ask(tenant)]
    const { given, owner, publicKey } = apnsCredential()
    peer.allow(owner, publicKey)
    assert.equal((await admin('PUT', '/api/v1/push/credentials/apns', given)).status, 204)
    const token = randomBytes(32).toString('hex')
    const registered = await app('PUT', `/api/v1/push/devices/${randomUUID()}`, { service: 'apns', token })
    assert.equal(registered.status, 204)

    const [first] = (await app('GET', '/api/v1/performances')).body
    const stages: { id: string }[] = (await app('GET', '/api/v1/stages')).body
    const stageId = stages.find(({ id }) => id !== first.stageId)?.id
    const path = `/api/v1/performances/${first.id}/stage`
    assert.equal((await app('PUT', path, { stageId })).status, 401, 'visitors change nothing')
    assert.match((await admin('PUT', path, { stageId })).body.message, /^[0-9a-f-]{36}$/)
    await until(() => peer.taken.some((one) => one.token === token))
    assert.equal(peer.taken.find((one) => one.token === token)?.title, first.artist)
    assert.equal((await admin('PUT', path, { stageId })).body.message, null, 'it is there already')
    assert.equal((await app('GET', `/api/v1/performances/${first.id}`)).body.stageId, stageId)
  })
}
