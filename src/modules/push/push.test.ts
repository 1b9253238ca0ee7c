import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { shiftedClock, systemClock } from '../../kernel/clock.ts'
import { newId } from '../../kernel/ids.ts'
import type { EgressApi } from '../egress/index.ts'
import type { Tenant } from '../tenancy/index.ts'
import { openApns } from './apns.ts'
import { type PushApi, push } from './index.ts'
import type { PushPeer } from './peer.ts'
import { apnsCredential, fcmCredential } from './peerKeys.ts'
import { type SenderParts, sendToAll } from './send.ts'
import type { Message } from './service.ts'
import { type Trial, withTrialPeer } from './trialPeer.ts'

let platform: TestPlatform
let api: PushApi
before(async () => {
  platform = await testPlatform([push])
  api = platform.api('push') as PushApi
})
after(() => platform?.stop())

const signal = new AbortController().signal
const apnsToken = () => randomBytes(32).toString('hex')
const fcmToken = () => `${randomBytes(11).toString('hex')}:APA91b${randomBytes(40).toString('hex')}`
const message = (): Message => ({
  id: newId(),
  title: 'Stage change',
  body: 'Now on stage 2',
  data: { stage: '2' },
})

/** The sender as it runs, but that its services are a peer of the test's own. */
function withPeer(work: (parts: SenderParts, trial: Trial) => Promise<void>): Promise<void> {
  const { parts } = platform.api('egress') as EgressApi
  return withTrialPeer(parts, systemClock, (trial) =>
    work({ credentials: api.credentials, devices: api.devices, services: trial.services }, trial),
  )
}

async function register(tenant: Tenant, service: 'apns' | 'fcm', token: string): Promise<string> {
  const id = crypto.randomUUID()
  await api.devices.keep(tenant, { id, service, token })
  return id
}

async function equip(peer: PushPeer, tenant: Tenant): Promise<void> {
  const [apple, google] = [apnsCredential(), fcmCredential()]
  await api.credentials.keepApns(tenant, apple.given)
  await api.credentials.keepFcm(tenant, google.given)
  peer.allow(apple.owner, apple.publicKey)
  peer.allow(google.owner, google.publicKey)
}

const send = (parts: SenderParts, tenant: Tenant) =>
  sendToAll(parts, tenant, message(), { ids: null, signal })
const gone = { status: 410, body: { reason: 'Unregistered', timestamp: Date.now() + 60_000 } }
const unregistered = {
  status: 404,
  body: { error: { code: 404, status: 'NOT_FOUND', details: [{ errorCode: 'UNREGISTERED' }] } },
}
const busy = { status: 503, body: { reason: 'ServiceUnavailable' } }

for (const model of ['database', 'rows'] as const) {
  describe(`push for a tenant in the model ${model}`, () => {
    it('reaches iOS and Android by HTTP/2 with the tenant’s own credentials', () =>
      withPeer(async (parts, { peer }) => {
        const tenant = await platform.makeTenant(model)
        await equip(peer, tenant)
        const tokens = [apnsToken(), apnsToken(), fcmToken(), fcmToken()]
        for (const token of tokens) await register(tenant, token.includes(':') ? 'fcm' : 'apns', token)
        const sent = await send(parts, tenant)
        assert.deepEqual(sent, { sent: 4, removed: 0, dropped: 0, left: [], withoutCredentials: [] })
        assert.deepEqual(peer.taken.map(({ token }) => token).sort(), [...tokens].sort())
        assert.equal(peer.connections(), 1, 'one connection carries them all')
        assert.equal(peer.grants(), 1, 'one access token is asked for')
      }))

    it('forgets devices that are gone, and keeps one that registered again', () =>
      withPeer(async (parts, { peer }) => {
        const tenant = await platform.makeTenant(model)
        await equip(peer, tenant)
        const [apple, google, back] = [apnsToken(), fcmToken(), apnsToken()]
        await register(tenant, 'apns', apple)
        await register(tenant, 'fcm', google)
        await register(tenant, 'apns', back)
        peer.answer(apple, [gone])
        peer.answer(google, [unregistered])
        peer.answer(back, [{ status: 410, body: { reason: 'Unregistered', timestamp: 1_000 } }])
        assert.equal((await send(parts, tenant)).removed, 3)
        const left: string[] = []
        for await (const page of api.devices.pages(tenant, null)) left.push(...page.map(({ token }) => token))
        assert.deepEqual(left, [back])
      }))
  })
}

it('tries again what is worth it, and says what is left', () =>
  withPeer(async (parts, { peer }) => {
    const tenant = await platform.makeTenant('rows')
    await equip(peer, tenant)
    const [once, hung, always, wrong] = [apnsToken(), apnsToken(), apnsToken(), apnsToken()]
    await register(tenant, 'apns', once)
    await register(tenant, 'apns', hung)
    const left = await register(tenant, 'apns', always)
    await register(tenant, 'apns', wrong)
    peer.answer(once, [busy])
    peer.answer(hung, ['hang up'])
    peer.answer(always, [busy, busy, busy, busy])
    // More than once: the connection that hangs up may take an answer with it.
    peer.answer(wrong, Array(4).fill({ status: 400, body: { reason: 'TopicDisallowed' } }))
    const sent = await send(parts, tenant)
    assert.deepEqual(sent, { sent: 2, removed: 0, dropped: 1, left: [left], withoutCredentials: [] })
    const rest = await sendToAll(parts, tenant, message(), { ids: sent.left, signal })
    assert.equal(rest.sent, 1)
  }))

it('a tenant without credentials of its own sends nothing, whoever else has some', () =>
  withPeer(async (parts, { peer }) => {
    const [with_, without] = [await platform.makeTenant('rows'), await platform.makeTenant('rows')]
    await equip(peer, with_)
    await register(without, 'apns', apnsToken())
    const sent = await send(parts, without)
    assert.deepEqual([sent.sent, sent.dropped, sent.withoutCredentials], [0, 1, ['apns']])
    assert.equal(peer.taken.length, 0)
  }))

it('credentials that the service refuses are no reason to go on', () =>
  withPeer(async (parts, { peer }) => {
    const tenant = await platform.makeTenant('rows')
    await api.credentials.keepApns(tenant, apnsCredential().given)
    await api.credentials.keepFcm(tenant, fcmCredential().given)
    await register(tenant, 'apns', apnsToken())
    await register(tenant, 'fcm', fcmToken())
    const sent = await send(parts, tenant)
    assert.deepEqual([sent.sent, sent.dropped], [0, 2])
    assert.deepEqual(sent.withoutCredentials.sort(), ['apns', 'fcm'])
    assert.equal(peer.taken.length, 0)
  }))

it('two tenants never share a connection, and tokens are renewed before they end', () =>
  withPeer(async (parts, { peer, http, target }) => {
    const [a, b] = [await platform.makeTenant('rows'), await platform.makeTenant('rows')]
    for (const tenant of [a, b]) {
      await equip(peer, tenant)
      await register(tenant, 'apns', apnsToken())
      await send(parts, tenant)
    }
    assert.equal(peer.connections(), 2)
    assert.equal(new Set(peer.taken.map(({ by }) => by)).size, 2)
    const stale = openApns(http, target, shiftedClock(systemClock, -2 * 3_600_000))
    const credential = await api.credentials.open(a, 'apns')
    await assert.rejects(stale(a, credential, apnsToken(), message()), { code: 'push-credentials-refused' })
  }))

it('only keys of the right kind are taken', async () => {
  const tenant = await platform.makeTenant('rows')
  const [apple, google] = [apnsCredential().given, fcmCredential().given]
  for (const privateKey of ['no key', google.private_key])
    await assert.rejects(api.credentials.keepApns(tenant, { ...apple, privateKey }), { code: 'push-key' })
  await assert.rejects(api.credentials.keepFcm(tenant, { ...google, private_key: apple.privateKey }), {
    code: 'push-key',
  })
})
