import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import type { FastifyPluginAsync } from 'fastify'
import { z } from 'zod'
import { statement } from '../../src/data/statement.ts'
import { defineModule } from '../../src/kernel/module.ts'
import {
  authorityFile,
  type EdgeApi,
  keepLocalAuthority,
  openLocalAuthority,
} from '../../src/modules/edge/index.ts'
import { type EgressApi, type EgressClient, trialClient } from '../../src/modules/egress/index.ts'
import { type JobsApi, jobs } from '../../src/modules/jobs/index.ts'
import { makeCanaries } from '../../src/modules/telemetry/canaries.ts'
import { type Collector, openCollector } from '../../src/modules/telemetry/collector.ts'
import { type TelemetryApi, telemetry } from '../../src/modules/telemetry/index.ts'
import type { Tenant } from '../../src/modules/tenancy/index.ts'
import { until } from './holder.ts'
import { type TestPlatform, testPlatform } from './platform.ts'
import { spansIn, type Told } from './spans.ts'

export const canaries = makeCanaries()
/** RFC 5737. */
export const ADDRESS = '203.0.113.77'
/** Whom the app calls: one is told which trace a call belongs to. */
const TOLD = 'told.canary.invalid'
const UNTOLD = 'untold.canary.invalid'
/** The only proxy that is believed; everybody else comes from 127.0.0.1. */
export const PROXY = '127.0.0.2'
/** Of a stranger who wants to join a trace and to have it kept. */
export const STRANGE = '00-11111111111111111111111111111111-2222222222222222-01'

export const byMarker = statement<{ marker: string }>()('canaries.byMarker', (db) =>
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

interface Arrived {
  /** As it went out. */
  text: string
  spans: Told[]
}

/** A running platform that sends traces to a collector, with an app that does everything that is traced. */
export interface TracedApp {
  platform: TestPlatform
  tenant: Tenant
  collector: Collector
  /** What the servers that the app calls were told at last, by host. */
  told: Record<string, unknown>
  /** What came since the last call. */
  arrived(): Promise<Arrived>
  /** Asks the app, bringing secrets wherever a visitor can; gives what was told of it and of what followed. */
  tellAll(): Promise<Arrived>
  /** A client and a certificate for one more host of a test's own. */
  peer(host: string, port: number, module?: string): EgressClient
  leaf(host: string): Promise<{ key: string; cert: string }>
  close(): Promise<void>
}

export async function openTracedApp(): Promise<TracedApp> {
  const folder = mkdtempSync(join(tmpdir(), 'traces-'))
  await keepLocalAuthority(folder)
  const leaf = (host: string) => openLocalAuthority(folder).certificateFor(host)
  const collector = await openCollector(await leaf('localhost'))
  const told: Record<string, unknown> = {}
  const others = await Promise.all([TOLD, UNTOLD].map((host) => openOther(host, told, leaf)))
  const runs = { count: 0 }
  const calls: Call[] = []
  const platform = await testPlatform([telemetry, jobs, triedModule(calls, runs)], {
    egress: registerOf(collector.port, authorityFile(folder)),
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
  const tenant = await platform.makeTenant('rows')
  const { parts } = platform.api('egress') as EgressApi
  const ca = readFileSync(authorityFile(folder), 'utf8')
  const peer = (host: string, port: number, module = 'tried') =>
    trialClient(parts, { host, port, module, ca, pins: [] })
  for (const { host, port } of others) {
    const url = `https://${host}:${port}/people/${canaries.mail}?token=${canaries.secret}`
    calls.push({ client: peer(host, port), url })
  }
  const arrived = async () => {
    await (platform.api('telemetry') as TelemetryApi).traces.flush()
    const texts = collector.taken.splice(0).map(({ text }) => text)
    return { text: texts.join('\n'), spans: texts.flatMap(spansIn) }
  }
  return {
    ...{ platform, tenant, collector, told, arrived, leaf, peer },
    async tellAll() {
      await arrived()
      const before = runs.count
      await bringSecrets(platform.api('edge') as EdgeApi, tenant)
      const background = platform.api('jobs') as JobsApi
      await background.work()
      await until(() => runs.count > before)
      await background.drain(5_000)
      return arrived()
    },
    async close() {
      for (const { client } of calls) await client.close()
      await platform.stop()
      for (const { close } of others) close()
      await collector.close()
      rmSync(folder, { recursive: true })
    },
  }
}

const registerOf = (port: number, caFileName: string) => {
  const named = { purpose: 'traces', country: 'DE', port }
  return {
    register: [
      { ...named, name: 'Collector', hosts: ['localhost'], modules: ['telemetry'] },
      { ...named, name: 'Other', hosts: [TOLD, UNTOLD], modules: ['tried'] },
    ],
    allowedNetworks: ['127.0.0.1/32', '::1/128'],
    caFileName,
  }
}

async function openOther(host: string, told: Record<string, unknown>, leaf: TracedApp['leaf']) {
  const server = createServer(await leaf(host), ({ headers }, response) => {
    told[host] = headers.traceparent
    response.writeHead(host === TOLD ? 200 : 404, { connection: 'close' }).end('{}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { host, port: (server.address() as AddressInfo).port, close: () => server.close() }
}

interface Call {
  client: EgressClient
  url: string
}

/** Secrets stand wherever one can: in parameters of SQL, in data of jobs, in calls and in messages of errors. */
const triedModule = (calls: readonly Call[], runs: { count: number }) =>
  defineModule({
    name: 'tried',
    needs: { jobs, telemetry },
    settings: z.object({}),
    async start({ log }, { jobs }) {
      const { mail, secret } = canaries
      const job = jobs.define({
        name: 'tried.job',
        data: z.object({ password: z.string(), mail: z.string() }),
        attempts: 1,
        async run({ mail }, { tenant }) {
          await tenant?.query(byMarker, { marker: mail })
          log.info('in the job')
          runs.count += 1
          throw new Error(`the job of ${mail} failed, token=${secret}`)
        },
      })
      const config = { public: true }
      const plugin: FastifyPluginAsync = async (app) => {
        app.post('/api/v1/tried/:who', { config }, async ({ tenant, params }) => {
          const { who } = params as { who: string }
          await tenant.query(byMarker, { marker: who })
          await tenant.transaction(async (_db, run) => run(byMarker, { marker: secret }))
          await tenant.query(broken, { text: secret }).catch(() => undefined)
          await job.add(tenant, { password: secret, mail })
          const caller = { module: 'tried', tenant: tenant.id, purpose: 'tell' }
          for (const { client, url } of calls)
            await client.fetch(caller, url, { headers: { authorization: secret } })
          throw new Error(`no account for ${who} from ${ADDRESS}, password=${secret}`)
        })
        app.get('/api/v1/tried', { config }, async () => ({ ok: true }))
      }
      return { api: null, routes: [{ audience: 'tenant' as const, plugin }] }
    },
  })

async function bringSecrets(edge: EdgeApi, tenant: Tenant): Promise<void> {
  const { mail, secret, jwt } = canaries
  const { status, body } = await edge.request({
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
}
