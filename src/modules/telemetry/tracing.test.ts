import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { request as askOverTls, createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import * as conventions from '@opentelemetry/semantic-conventions/incubating'
import { sql } from 'drizzle-orm'
import type { FastifyPluginAsync } from 'fastify'
import { z } from 'zod'
import { until } from '../../../test/support/holder.ts'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { statement } from '../../data/statement.ts'
import { defineModule } from '../../kernel/module.ts'
import { type SpanStart, traced } from '../../kernel/trace.ts'
import type { ProofApi } from '../../proof/api.ts'
import { measure } from '../../proof/measure.ts'
import { authorityFile, type EdgeApi, keepLocalAuthority, openLocalAuthority } from '../edge/index.ts'
import { type EgressApi, type EgressClient, trialClient } from '../egress/index.ts'
import type { IdentityApi } from '../identity/index.ts'
import { type JobsApi, jobs } from '../jobs/index.ts'
import type { Tenant } from '../tenancy/index.ts'
import { factsThatLeak, makeCanaries, seenIn } from './canaries.ts'
import { type Collector, openCollector } from './collector.ts'
import { type TelemetryApi, telemetry } from './index.ts'
import { readAll } from './scratchLog.ts'

const canaries = makeCanaries()
const ADDRESS = '203.0.113.77'
const TOLD = 'told.canary.invalid'
const UNTOLD = 'untold.canary.invalid'
/** The only proxy that is believed; everybody else comes from 127.0.0.1. */
const PROXY = '127.0.0.2'

const byMarker = statement<{ marker: string }>()('canaries.byMarker', (db) =>
  db
    .select({ marker: sql<string>`marker` })
    .from(sql`tenancy.canary`)
    .where(sql`marker = ${sql.placeholder('marker')}`),
)
const broken = statement<{ text: string }>()('canaries.broken', (db) =>
  db
    .select({ x: sql<number>`1` })
    .from(sql`tenancy.canary`)
    .where(sql`${sql.placeholder('text')}::int = 1`),
)

let platform: TestPlatform
let collector: Collector
let tenant: Tenant
let folder: string
let others: Other[]
let jobRuns = 0

/** An app with a route that does everything that is traced, with secrets wherever one can stand. */
const app = defineModule({
  name: 'tried',
  needs: { jobs, telemetry },
  settings: z.object({}),
  async start({ log }, { jobs }) {
    const job = jobs.define({
      name: 'tried.job',
      data: z.object({ password: z.string(), mail: z.string() }),
      attempts: 1,
      async run({ mail }, { tenant }) {
        await tenant?.query(byMarker, { marker: mail })
        log.info('in the job')
        jobRuns += 1
        throw new Error(`the job of ${mail} failed, token=${canaries.secret}`)
      },
    })
    const plugin: FastifyPluginAsync = async (app) => {
      const config = { public: true }
      app.post('/api/v1/tried/:who', { config }, async ({ tenant, params }) => {
        const { who } = params as { who: string }
        await tenant.query(byMarker, { marker: who })
        await tenant.transaction(async (_db, run) => run(byMarker, { marker: canaries.secret }))
        await tenant.query(broken, { text: canaries.secret }).catch(() => undefined)
        await job.add(tenant, { password: canaries.secret, mail: canaries.mail })
        for (const { client, url } of others) {
          const caller = { module: 'tried', tenant: tenant.id, purpose: 'tell' }
          await client.fetch(caller, url, { headers: { authorization: canaries.secret } })
        }
        throw new Error(`no account for ${who} from ${ADDRESS}, password=${canaries.secret}`)
      })
      app.get('/api/v1/tried', { config }, async () => ({ ok: true }))
    }
    return { api: null, routes: [{ audience: 'tenant' as const, plugin }] }
  },
})

/** Somebody whom the app calls. */
interface Other {
  url: string
  client: EgressClient
  /** The `traceparent` that it was told at last. */
  told(): unknown
  close(): Promise<void>
}

async function openOther(host: string): Promise<Other> {
  let told: unknown
  const leaf = await openLocalAuthority(folder).certificateFor(host)
  const server = createServer(leaf, ({ headers }, response) => {
    told = headers.traceparent
    response.writeHead(host === TOLD ? 200 : 404, { connection: 'close' }).end('{}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const ca = readFileSync(authorityFile(folder), 'utf8')
  const { parts } = platform.api('egress') as EgressApi
  const client = trialClient(parts, { host, port, module: 'tried', ca, pins: [] })
  const url = `https://${host}:${port}/people/${canaries.mail}?token=${canaries.secret}`
  return {
    url,
    client,
    told: () => told,
    async close() {
      await client.close()
      await new Promise((closed) => server.close(closed))
    },
  }
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'traces-'))
  await keepLocalAuthority(folder)
  collector = await openCollector(await openLocalAuthority(folder).certificateFor('localhost'))
  const named = { purpose: 'traces', country: 'DE', port: collector.port }
  platform = await testPlatform([telemetry, jobs, app], {
    egress: {
      register: [
        { ...named, name: 'Collector', hosts: ['localhost'], modules: ['telemetry'] },
        { ...named, name: 'Other', hosts: [TOLD, UNTOLD], modules: ['tried'] },
      ],
      allowedNetworks: ['127.0.0.1/32', '::1/128'],
      caFileName: authorityFile(folder),
    },
    limits: { trustedProxies: [`${PROXY}/32`] },
    jobs: { prefix: `traces-${process.pid}` },
    telemetry: {
      tracesUrl: `https://localhost:${collector.port}/v1/traces`,
      tracesAuthorization: 'Basic of-the-collector',
      traceparentFromProxies: true,
      traceparentTo: [TOLD],
    },
  })
  await platform.serve()
  tenant = await platform.makeTenant('rows')
  others = [await openOther(TOLD), await openOther(UNTOLD)]
})
after(async () => {
  for (const other of others ?? []) await other.close()
  await platform?.stop()
  await collector?.close()
  rmSync(folder, { recursive: true })
})

const parts = () => platform.api('telemetry') as TelemetryApi
const edge = () => platform.api('edge') as EdgeApi

interface Told {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  kind: number
  status: { code: number; message?: string }
  attributes: Record<string, unknown>
  resource: Record<string, unknown>
}

/** What arrived since the last call, as text and read. */
async function arrived(): Promise<{ text: string; spans: Told[] }> {
  await parts().traces.flush()
  const taken = collector.taken.splice(0).map(({ text }) => text)
  return { text: taken.join('\n'), spans: taken.flatMap(spansIn) }
}

type Pair = { key: string; value: Record<string, unknown> }
const read = (pairs: Pair[]) =>
  Object.fromEntries(pairs.map(({ key, value }) => [key, Object.values(value)[0]]))

function spansIn(text: string): Told[] {
  const { resourceSpans } = JSON.parse(text)
  return resourceSpans.flatMap(({ resource, scopeSpans }: Record<string, any>) =>
    scopeSpans.flatMap(({ spans }: { spans: (Told & { attributes: Pair[] })[] }) =>
      spans.map((span) => ({
        ...span,
        attributes: read(span.attributes),
        resource: read(resource.attributes),
      })),
    ),
  )
}

const named = (spans: readonly Told[], name: string): Told => {
  const found = spans.filter((span) => span.name === name)
  assert.equal(found.length, 1, `${name} among ${spans.map((span) => span.name).join(', ')}`)
  return found[0] as Told
}

/** Of a stranger who wants to join a trace and to have it kept. */
const STRANGE = '00-11111111111111111111111111111111-2222222222222222-01'

/** Asks the app's route, bringing secrets wherever a visitor can; gives all that was told of it and of what followed. */
async function tellAll(): Promise<{ text: string; spans: Told[] }> {
  await arrived()
  const { mail, secret, jwt } = canaries
  const before = jobRuns
  const { status, body } = await edge().request({
    host: tenant.hosts[0] as string,
    method: 'POST',
    path: `/api/v1/tried/${encodeURIComponent(mail)}?token=${secret}&address=${ADDRESS}`,
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${jwt}`,
      cookie: `sid=${secret}`,
      referer: `https://x.invalid/?mail=${mail}`,
      'user-agent': `canary ${mail}`,
      'x-forwarded-for': ADDRESS,
      traceparent: STRANGE,
    },
    body: JSON.stringify({ password: secret, email: mail }),
  })
  assert.equal(status, 500, body)
  await (platform.api('jobs') as JobsApi).work()
  await until(() => jobRuns > before)
  await (platform.api('jobs') as JobsApi).drain(5_000)
  return arrived()
}

const seen = (text: string): string[] => [
  ...seenIn(text, canaries),
  ...[ADDRESS, tenant.slug, '127.0.0.1'].filter((one) => text.includes(one)),
]

it('tells a request, what it did, and the job that it added, as one trace', async () => {
  const { text, spans } = await tellAll()
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
  const { spans } = await tellAll()
  const own = { 'surety.tenant.id': tenant.id }
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
      [TOLD, 200, undefined],
      [UNTOLD, 404, '404'],
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
  const { spans } = await tellAll()
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
  const { spans } = await tellAll()
  const { traceId, spanId } = spans.find(({ name }) => name === 'GET tell') as Told
  assert.deepEqual(
    others.map(({ told }) => told()),
    [`00-${traceId}-${spanId}-01`, undefined],
  )
})

it('what an app tells that it should not is taken out, and without redaction it leaves', async () => {
  const careless = async () => {
    for (const [way, attributes] of Object.entries(factsThatLeak(canaries)))
      await traced(
        (): SpanStart => ({ name: way, kind: 'internal', attributes }),
        async (span) => span?.set({ more: String(attributes['url.full']), at: ADDRESS }),
      )
    return (await arrived()).text
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
    const [host = ''] = tenant.hosts
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
  await arrived()
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
    spans.push(...(await arrived()).spans.filter(({ name }) => name === 'GET /api/v1/tried'))
    await sleep(20)
  }
  return spans
}

it('a stranger neither joins a trace nor has one kept', async () => {
  await arrived()
  await askAs('127.0.0.1', STRANGE)
  const [span] = await gathered(1)
  assert.notEqual(span?.traceId, STRANGE.slice(3, 35))
  assert.equal(span?.parentSpanId, undefined)
})

it('tells a probe with its outcome', async () => {
  const proof = platform.api('proof') as ProofApi
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
        await tenant.query(byMarker, { marker: 'x' })
        check('it is whole', true, true)
        positiveControl('something', 1, 1)
      },
    }),
    measure({ ...told, key: 'tried.broken', prove: async ({ check }) => check('it is whole', true, false) }),
  ])
  await proof.run('tried.whole')
  await proof.run('tried.broken')
  const { spans } = await arrived()
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
  const { people, operators, sessions } = platform.api('identity') as IdentityApi
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
    collector.answer = answer
    await traced(
      () => ({ name: 'one', kind: 'internal', parent: null }),
      async () => undefined,
    )
    await parts().traces.flush()
  }
  await arrived()
  const { sent = 0 } = await fates()
  await arrived()
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
  const { headers } = collector.taken.at(-1) ?? {}
  assert.deepEqual(
    [headers?.['content-type'], headers?.authorization, headers?.traceparent],
    ['application/json', 'Basic of-the-collector', undefined],
  )
})
