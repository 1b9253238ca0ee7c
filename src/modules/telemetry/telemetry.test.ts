import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { shiftedClock, systemClock } from '../../kernel/clock.ts'
import { createLog } from '../../kernel/log.ts'
import { loadSettings } from '../../kernel/settings.ts'
import type { ProofApi } from '../../proof/api.ts'
import { measure } from '../../proof/measure.ts'
import type { EdgeApi } from '../edge/index.ts'
import { type EgressApi, trialClient, withAuthority } from '../egress/index.ts'
import { type IdentityApi, tenantRealm } from '../identity/index.ts'
import type { MailApi } from '../mail/index.ts'
import { type Channel, openAlerts } from './alerts.ts'
import { lookAtMeasures } from './brokenMeasures.ts'
import { channelsOf } from './channels.ts'
import { type TelemetryApi, telemetry } from './index.ts'
import { openTracker } from './tracker.ts'

let platform: TestPlatform
let parts: TelemetryApi
let operator: string
before(async () => {
  platform = await testPlatform([telemetry])
  parts = platform.api('telemetry') as TelemetryApi
  await platform.serve()
  const { people, operators } = identity()
  const email = `${randomUUID()}@example.org`
  operator = await signedIn(
    operators,
    await people.add(operators, { email, name: 'O', role: 'auditor', password: null }),
  )
})
after(() => platform?.stop())

const identity = () => platform.api('identity') as IdentityApi

async function signedIn(realm: IdentityApi['operators'], id: string): Promise<string> {
  const proven = { device: 'test', factors: ['pwd', 'otp'] }
  return (await identity().sessions.begin(realm, { id, password: null }, proven)).access
}

async function ask(host: string, path: string, access?: string) {
  const headers = access ? { headers: { authorization: `Bearer ${access}` } } : {}
  return (platform.api('edge') as EdgeApi).request({ host, path, ...headers })
}

const asOperator = (path: string) => ask('admin.localhost', path, operator)

it('tells Prometheus what was answered, and nobody who is not signed in', async () => {
  await ask('trust.localhost', '/api/v1/nothing')
  const { status, headers, body } = await asOperator('/api/v1/metrics')
  assert.equal(status, 200, body)
  assert.match(String(headers['content-type']), /^text\/plain/)
  assert.match(
    body,
    /http_request_duration_seconds_count\{audience="trust",method="GET",route="none",status="404"\} \d/,
  )
  assert.match(body, /surety_open_alerts \d/)
  assert.equal((await ask('admin.localhost', '/api/v1/metrics')).status, 401)
})

it('gives metrics to a token that was made for them, and nothing else', async () => {
  const { people, operators, apiTokens } = identity()
  const about = { email: `${randomUUID()}@example.org`, name: 'P', role: 'auditor', password: null }
  const id = await people.add(operators, about)
  const made = { name: 'prometheus', permissions: ['telemetry.read'], life: 60_000 }
  const { token } = await apiTokens.issue(operators, id, made)
  const paths = ['/api/v1/metrics', '/api/v1/egress/decisions']
  const answers = await Promise.all(paths.map((path) => ask('admin.localhost', path, token)))
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 403],
  )
})

it('counts the visits of members, by route', async () => {
  const tenant = await platform.makeTenant('rows')
  const realm = tenantRealm(tenant)
  const id = await identity().people.add(realm, {
    email: 'mia@example.org',
    name: 'Mia',
    role: 'owner',
    password: null,
  })
  const access = await signedIn(realm, id)
  for (let n = 0; n < 3; n += 1) await ask(tenant.hosts[0] as string, '/api/v1/auth/me', access)
  // A visit is counted when its answer is out, which the visitor may have before that.
  for (let times = 0, left = 20; times < 3; await sleep(20)) {
    await parts.analytics.flush()
    const { body } = await asOperator('/api/v1/analytics')
    const [mine] = JSON.parse(body).filter(({ tenantId }: { tenantId: string }) => tenantId === tenant.id)
    times = mine?.times ?? 0
    assert.ok(times <= 3 && left-- > 0, `${times} visits`)
    if (times === 3) assert.deepEqual([mine.event, mine.visitors], ['GET /api/v1/auth/me', 1])
  }
})

const log = createLog({ name: 'test', level: 'silent' })
const news = () => ({ name: `test-${randomUUID()}`, details: { a: 1 }, canary: true, lasting: false })
const listed = async (name: string) => (await parts.alerts.list(100)).filter((alert) => alert.name === name)

function channel(name: string, refusals = 0): Channel & { told: string[] } {
  const told: string[] = []
  let left = refusals
  const tell: Channel['tell'] = async (_news, turn) => {
    if (left-- > 0) throw new Error('not now')
    told.push(turn)
  }
  return { name, told, tell }
}

it('counts what happens again, and ends it when it does not', async () => {
  const one = news()
  for (let n = 0; n < 3; n += 1) await parts.alerts.raise(one)
  assert.deepEqual(
    (await listed(one.name)).map(({ times, clearedAt }) => [times, clearedAt]),
    [[3, null]],
  )
  await parts.alerts.expire(60_000)
  assert.equal((await listed(one.name))[0]?.clearedAt, null)
  await parts.alerts.expire(-1_000)
  await parts.alerts.raise(one)
  assert.deepEqual(
    (await listed(one.name)).map(({ times }) => times),
    [1, 3],
  )
  await parts.alerts.forget(60_000)
  assert.equal((await listed(one.name)).length, 2)
  await parts.alerts.forget(-1_000)
  assert.equal((await listed(one.name)).length, 1, 'the open one stays')
})

it('tells each channel once, and again only who did not take it', async () => {
  const one = news()
  const [good, bad] = [channel('good'), channel('bad', 1)]
  await parts.alerts.raise(one)
  await parts.alerts.tell([good, bad], one.name)
  await parts.alerts.tell([good, bad], one.name)
  assert.deepEqual([good.told, bad.told], [['fired'], []], 'it waits before it tries again')
  const { control } = platform.stores
  const later = openAlerts({ control, clock: shiftedClock(systemClock, 61_000), log }, [])
  await later.tell([good, bad], one.name)
  await later.tell([good, bad], one.name)
  assert.deepEqual([good.told, bad.told], [['fired'], ['fired']])
})

it('two processes tell it once', async () => {
  const one = news()
  const channels = [channel('good')]
  await parts.alerts.raise(one)
  await Promise.all(Array.from({ length: 4 }, () => parts.alerts.tell(channels, one.name)))
  assert.deepEqual(channels[0]?.told, ['fired'])
})

it('tells at once, and rarely, while there is no database', async () => {
  const away = {
    query: () => Promise.reject(new Error('away')),
    transaction: () => Promise.reject(new Error('away')),
  }
  const good = channel('good')
  const alerts = openAlerts({ control: away, clock: systemClock, log }, [channel('bad', 9), good])
  const one = { ...news(), canary: false }
  await alerts.raise(one)
  await alerts.raise(one)
  assert.deepEqual(good.told, ['fired'])
})

it('calls a webhook, and takes no for no', () =>
  withAuthority(async ({ ca, leaf }) => {
    const host = 'hook.canary.invalid'
    const tracker = await openTracker(await leaf(host))
    const { parts: live } = platform.api('egress') as EgressApi
    const egress = trialClient(live, { host, port: tracker.port, module: 'telemetry', ca, pins: [] })
    const mail = platform.api('mail') as MailApi
    const hook = (path: string) =>
      channelsOf({ alertWebhook: `https://${host}:${tracker.port}${path}` }, { egress, mail })[0] as Channel
    const one = news()
    await hook('/api/42/envelope/').tell(one, 'fired')
    assert.deepEqual(JSON.parse(tracker.taken()), { alert: one.name, state: 'fired', details: { a: 1 } })
    await assert.rejects(hook('/nowhere').tell(one, 'fired'), /answered 404/)
    await egress.close()
    await tracker.close()
  }))

it('says no to a mail that no server took', async () => {
  const mail = { send: async () => false, options: null }
  const [byMail] = channelsOf(
    { alertMail: 'ops@example.org' },
    { egress: platform.api('egress') as EgressApi, mail },
  )
  await assert.rejects(async () => byMail?.tell(news(), 'fired'), /did not take it/)
})

it('does not start with a webhook, a tracker or a collector that is not in the register', () => {
  const stores = { host: '/x', secrets: 'x', files: 'x', appPasswordFileName: 'x', redisSocket: 'x' }
  const settings = (layer: object) =>
    loadSettings([telemetry], { profile: { stores, telemetry: { ...layer } } })
  assert.throws(
    () => settings({ alertWebhook: 'https://hooks.example.com/x' }),
    /hooks\.example\.com is not in the register/,
  )
  assert.throws(
    () => settings({ errorsDsn: 'https://key@errors.example.com/7' }),
    /errors\.example\.com is not/,
  )
  assert.throws(
    () => settings({ tracesUrl: 'https://traces.example.com/v1/traces' }),
    /traces\.example\.com is not/,
  )
  assert.throws(() => settings({ tracesUrl: 'http://traces.example.com/v1/traces' }), /tracesUrl/)
  assert.throws(() => settings({ traceparentTo: ['api.example.com'] }), /api\.example\.com is not/)
  assert.throws(() => settings({ traceparentFromProxies: true }), /no proxy is trusted/)
  assert.throws(() => settings({ errorsDsn: 'http://key@errors.example.com/7' }), /errorsDsn/)
  assert.throws(() => settings({ alertMail: 'ops@example.org' }), /mail needs a server/)
  assert.ok(settings({}))
})

it('raises an alert while a promise is broken', async () => {
  const proof = platform.api('proof') as ProofApi
  const key = `test.${randomUUID()}`
  let whole = false
  const open = async () => {
    await proof.run(key)
    await lookAtMeasures(proof, parts.alerts)
    await lookAtMeasures(proof, parts.alerts)
    return (await listed(`measure:${key}`)).map(({ times, clearedAt }) => [times, clearedAt !== null])
  }
  proof.register([
    measure({
      key,
      sources: [],
      family: 'review',
      maps: {},
      claim: { de: () => 'ganz', en: () => 'whole' },
      async prove({ check, positiveControl }) {
        check('it is whole', true, whole)
        positiveControl('something', 1, 1)
      },
    }),
  ])
  assert.deepEqual(await open(), [[1, false]])
  whole = true
  assert.deepEqual(await open(), [[1, true]])
  whole = false
  assert.deepEqual(await open(), [
    [1, false],
    [1, true],
  ])
})
