import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { request as askOverTls } from 'node:https'
import { after, before, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import * as conventions from '@opentelemetry/semantic-conventions/incubating'
import { named, type Told } from '../../../test/support/spans.ts'
import {
  ADDRESS,
  byMarker,
  canaries,
  openTracedApp,
  PROXY,
  STRANGE,
  type TracedApp,
} from '../../../test/support/tracedApp.ts'
import { traced } from '../../kernel/trace.ts'
import type { ProofApi } from '../../proof/api.ts'
import { measure } from '../../proof/measure.ts'
import type { EdgeApi } from '../edge/index.ts'
import type { IdentityApi } from '../identity/index.ts'
import { factsThatLeak, seenIn } from './canaries.ts'
import { type Collector, openCollector } from './collector.ts'
import type { TelemetryApi } from './index.ts'
import { readAll } from './scratchLog.ts'
import { unlooked } from './scratchTraces.ts'
import { sendTraces } from './sendTraces.ts'
import { openTracePipe } from './tracing.ts'

let app: TracedApp
before(async () => {
  app = await openTracedApp()
})
after(() => app?.close())

const parts = () => app.platform.api('telemetry') as TelemetryApi
const edge = () => app.platform.api('edge') as EdgeApi

const seen = (text: string): string[] => [
  ...seenIn(text, canaries),
  ...[ADDRESS, app.tenant.slug, '127.0.0.1'].filter((one) => text.includes(one)),
]

it('tells a request, what it did, and the job that it added, as one trace', async () => {
  const { text, spans } = await app.tellAll()
  const request = named(spans, 'POST /api/v1/tried/:who')
  const trace = spans.filter(({ traceId }) => traceId === request.traceId)
  const under = (parent: Told) =>
    trace.flatMap(({ name, parentSpanId }) => (parentSpanId === parent.spanId ? [name] : [])).sort()
  assert.equal(request.parentSpanId, undefined)
  assert.deepEqual(under(request), [
    'GET tell',
    'GET tell',
    'canaries.broken',
    'canaries.byMarker',
    'process tried.job',
    'transaction',
  ])
  assert.deepEqual(under(named(trace, 'transaction')), ['canaries.byMarker'])
  assert.deepEqual(under(named(trace, 'process tried.job')), ['canaries.byMarker'])
  assert.deepEqual(seen(text), [])
})

it('tells of each what OpenTelemetry has a name for, and nothing else', async () => {
  const { spans } = await app.tellAll()
  const own = { 'surety.tenant.id': app.tenant.id }
  const { attributes, kind, status } = named(spans, 'POST /api/v1/tried/:who')
  assert.deepEqual(
    [kind, status, attributes],
    [
      2,
      { code: 2 },
      {
        ...own,
        'http.request.method': 'POST',
        'http.response.status_code': 500,
        'http.route': '/api/v1/tried/:who',
        'url.scheme': 'https',
        'surety.audience': 'tenant',
        'error.type': '500',
      },
    ],
  )
  const flight = { ...own, 'db.system.name': 'postgresql', 'surety.tenant.isolation': 'rows' }
  assert.deepEqual(named(spans, 'canaries.broken').attributes, {
    ...flight,
    'db.query.summary': 'canaries.broken',
    'db.response.status_code': '22P02',
    'error.type': 'invalid-value',
  })
  const job = named(spans, 'process tried.job')
  assert.match(String(job.attributes['messaging.message.id']), /^[0-9a-f-]{36}$/)
  assert.deepEqual(
    { ...job.attributes, 'messaging.message.id': '' },
    {
      ...own,
      'messaging.system': 'bullmq',
      'messaging.operation.type': 'process',
      'messaging.operation.name': 'process',
      'messaging.destination.name': 'tried.job',
      'messaging.message.id': '',
      'surety.job.attempt': 1,
      'error.type': 'Error',
    },
  )
  const calls = spans.filter(({ name }) => name === 'GET tell').map((span) => span.attributes)
  assert.deepEqual(
    calls.map((call) => [call['server.address'], call['http.response.status_code'], call['error.type']]),
    [
      ['told.canary.invalid', 200, undefined],
      ['untold.canary.invalid', 404, '404'],
    ],
  )
  const known = new Set<unknown>(Object.values(conventions))
  const names = spans.flatMap((span) => [...Object.keys(span.attributes), ...Object.keys(span.resource)])
  assert.deepEqual(
    [...new Set(names)].filter((name) => !name.startsWith('surety.') && !known.has(name)),
    [],
  )
  const { 'service.instance.id': _instance, ...resource } = job.resource
  assert.deepEqual(resource, {
    'service.namespace': 'surety',
    'service.name': 'surety-test',
    'service.version': 'test',
  })
})

it('the log says which trace a line belongs to', async () => {
  const { spans } = await app.tellAll()
  const { traceId } = named(spans, 'POST /api/v1/tried/:who')
  parts().files.flush()
  const lines = readAll(parts().files.folder)
    .split('\n')
    .filter((line) => line.includes(traceId))
    .map((line) => JSON.parse(line))
  assert.deepEqual(lines.map(({ msg, traceId }) => [msg, traceId]).sort(), [
    ['in the job', traceId],
    ['request', traceId],
  ])
})

it('others are told which trace a call belongs to only where the settings say so', async () => {
  const { spans } = await app.tellAll()
  const { traceId, spanId } = spans.find(({ name }) => name === 'GET tell') as Told
  assert.deepEqual(app.told, {
    'told.canary.invalid': `00-${traceId}-${spanId}-01`,
    'untold.canary.invalid': undefined,
  })
})

it('what an app tells that it should not is taken out, and without redaction it leaves', async () => {
  const careless = async () => {
    for (const [way, attributes] of Object.entries(factsThatLeak(canaries)))
      await traced(
        () => ({ name: way, kind: 'internal', attributes }),
        async (span) => span?.set({ more: String(attributes['url.full']), at: ADDRESS }),
      )
    return (await app.arrived()).text
  }
  assert.deepEqual(seen(await careless()), [])
  const { guard } = parts()
  const whole = { ...guard }
  Object.assign(guard, {
    scan: (line: string) => ({ line, found: [] }),
    cleanse: <T>(value: T) => value,
  })
  const bare = await careless().finally(() => Object.assign(guard, whole))
  assert.deepEqual(seen(bare), ['secret', 'mail', 'jwt'])
  for (const way of Object.keys(factsThatLeak(canaries))) assert.ok(bare.includes(way), way)
  assert.deepEqual(seen(await careless()), [])
})

const askAs = (localAddress: string, traceparent: string) =>
  new Promise<void>((resolve, reject) => {
    const [host = ''] = app.tenant.hosts
    const options = {
      host: '127.0.0.1',
      port: edge().port,
      servername: host,
      localAddress,
      path: '/api/v1/tried',
      headers: { host, traceparent },
      rejectUnauthorized: false,
      agent: false as const,
    }
    askOverTls(options, (answer) => answer.resume().once('end', resolve))
      .once('error', reject)
      .end()
  })

const linux = process.platform === 'linux' ? false : 'only Linux has all of 127.0.0.0/8'
it('goes on from what a trusted proxy says, also when it says that nothing is kept', {
  skip: linux,
}, async () => {
  await app.arrived()
  await askAs(PROXY, STRANGE)
  await askAs(PROXY, STRANGE.replace(/01$/, '00'))
  for (const invalid of ['', 'ff-x', `${STRANGE}, ${STRANGE}`, `00-${'0'.repeat(32)}-2222222222222222-01`])
    await askAs(PROXY, invalid)
  const spans = await gathered(5)
  const joined = spans.filter(({ traceId }) => STRANGE.includes(traceId))
  assert.deepEqual(
    joined.map(({ parentSpanId }) => parentSpanId),
    ['2222222222222222'],
  )
  assert.equal(spans.filter(({ parentSpanId }) => !parentSpanId).length, 4)
})

/** The span of a request ends when its answer is out, which its sender may have before that. */
async function gathered(count: number): Promise<Told[]> {
  const spans: Told[] = []
  for (let left = 50; spans.length < count && left > 0; left -= 1) {
    spans.push(...(await app.arrived()).spans.filter(({ name }) => name === 'GET /api/v1/tried'))
    await sleep(20)
  }
  return spans
}

it('a stranger neither joins a trace nor has one kept', async () => {
  await app.arrived()
  await askAs('127.0.0.1', STRANGE)
  const [span] = await gathered(1)
  assert.notEqual(span?.traceId, STRANGE.slice(3, 35))
  assert.equal(span?.parentSpanId, undefined)
})

it('tells a probe with its outcome', async () => {
  const proof = app.platform.api('proof') as ProofApi
  const told = {
    sources: [],
    family: 'review' as const,
    maps: {},
    claim: { de: () => 'ganz', en: () => 'whole' },
  }
  proof.register([
    measure({
      ...told,
      key: 'tried.whole',
      async prove({ check, positiveControl }) {
        await app.tenant.query(byMarker, { marker: 'x' })
        check('it is whole', true, true)
        positiveControl('something', 1, 1)
      },
    }),
    measure({ ...told, key: 'tried.broken', prove: async ({ check }) => check('it is whole', true, false) }),
  ])
  await proof.run('tried.whole')
  await proof.run('tried.broken')
  const { spans } = await app.arrived()
  const whole = named(spans, 'probe tried.whole')
  assert.deepEqual(whole.attributes, {
    'surety.measure.key': 'tried.whole',
    'surety.measure.outcome': 'proven',
  })
  assert.equal(named(spans, 'canaries.byMarker').parentSpanId, whole.spanId)
  assert.deepEqual(
    [named(spans, 'probe tried.broken').status.code, whole.status.code],
    [2, 0],
    'only the broken one is an error',
  )
})

it('counts what became of spans, and goes on when the collector is back', async () => {
  const { people, operators, sessions } = app.platform.api('identity') as IdentityApi
  const email = `${randomUUID()}@example.org`
  const id = await people.add(operators, { email, name: 'O', role: 'auditor', password: null })
  const proven = { device: 'test', factors: ['pwd', 'otp'] }
  const { access } = await sessions.begin(operators, { id, password: null }, proven)
  const fates = async () => {
    const headers = { authorization: `Bearer ${access}` }
    const { body } = await edge().request({ host: 'admin.localhost', path: '/api/v1/metrics', headers })
    return Object.fromEntries(
      [...body.matchAll(/^surety_trace_spans_total\{fate="([\w-]+)"\} (\d+)$/gm)].map(([, fate, n]) => [
        fate,
        Number(n),
      ]),
    )
  }
  const one = async (answer: Collector['answer']) => {
    app.collector.answer = answer
    await traced(
      () => ({ name: 'one', kind: 'internal', parent: null }),
      async () => undefined,
    )
    await parts().traces.flush()
  }
  await app.arrived()
  const { sent = 0 } = await fates()
  await app.arrived()
  await one({ status: 503, body: '' })
  await one({ status: 200, body: '{"partialSuccess":{"rejectedSpans":"1"}}' })
  await one({ status: 200, body: '{}' })
  const now = await fates()
  assert.ok(sent > 0 && (now.sent ?? 0) > sent, JSON.stringify({ sent, now }))
  assert.deepEqual([now['not-taken'], now.rejected, now['queue-full']], [1, 1, undefined])
})

it('the collector gets what it wants to be shown', async () => {
  await askAs('127.0.0.1', '')
  await gathered(1)
  await traced(
    () => ({ name: 'one', kind: 'internal', parent: null }),
    async () => undefined,
  )
  await parts().traces.flush()
  const { headers } = app.collector.taken.at(-1) ?? {}
  assert.deepEqual(
    [headers?.['content-type'], headers?.authorization, headers?.traceparent],
    ['application/json', 'Basic of-the-collector', undefined],
  )
})

it('a collector that takes connections and never answers does not hold up the end', async () => {
  const host = 'hanging.canary.invalid'
  const hanging = await openCollector(await app.leaf(host))
  hanging.answer = null
  const client = app.peer(host, hanging.port, 'telemetry')
  const url = `https://${host}:${hanging.port}/v1/traces`
  const fates: string[] = []
  const pipe = openTracePipe({
    process: 'test',
    build: 'test',
    share: 1,
    ...unlooked,
    send: sendTraces(client, { url, authorization: undefined }),
    count: (fate, spans) => void fates.push(`${fate} ${spans}`),
  })
  pipe.begin({ name: 'one', kind: 'internal' }, undefined).end()
  const began = performance.now()
  await pipe.close(200)
  await client.close()
  assert.ok(performance.now() - began < 1_500, `${performance.now() - began} ms`)
  assert.deepEqual(fates, ['not-taken 1'])
  await hanging.close()
})
