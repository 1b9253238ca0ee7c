import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Fastify from 'fastify'
import { createAudience } from '../src/http/audience.ts'
import { createLog, guardOf } from '../src/kernel/log.ts'
import type { RouteGroup } from '../src/kernel/routes.ts'
import type { SettingsLayer } from '../src/kernel/settings.ts'
import { type Tracing, traceWith } from '../src/kernel/trace.ts'
import { authorityFile, keepLocalAuthority } from '../src/modules/edge/index.ts'
import { lookedAt } from '../src/modules/telemetry/startTracing.ts'
import { openTracePipe } from '../src/modules/telemetry/tracing.ts'
import { compare, type Print, printFigures } from './compare.ts'
import { asker, CLIENTS, printCpu, start } from './servers.ts'

/** A request with traces on against off against bare Fastify: the server's span alone, and a whole signed-in request. */
export async function run(print: Print): Promise<void> {
  await spanAlone(print)
  await wholeRequest(print)
}

const log = createLog({ name: 'bench', level: 'silent' })
const route: RouteGroup = {
  audience: 'trust',
  plugin: async (app) => {
    app.get('/things/:id', { config: { public: true } }, async () => ({ a: 'thing' }))
  },
}

const openApp = () =>
  createAudience('trust', { routes: [route], guards: [], log, build: 'bench', tenantOf: () => undefined })

/** Spans are written and looked at as always, and then go nowhere. */
async function spanAlone(print: Print): Promise<void> {
  const path = '/things/7'
  const bare = Fastify()
  bare.get('/things/:id', async () => ({ a: 'thing' }))
  const off = await openApp()
  const figures = await compare(
    {
      'bare Fastify': () => bare.inject(path),
      'Surety, traces off': () => off.inject(path),
      'traces on, a tenth kept': await openTraced(path, 0.1),
      'traces on, all kept': await openTraced(path, 1),
    },
    1,
  )
  printFigures(print, 'A request without guards, injected', figures)
}

async function openTraced(path: string, share: number): Promise<() => Promise<void>> {
  const { begin } = openTracePipe({
    process: 'bench',
    build: 'bench',
    share,
    ...lookedAt(guardOf(log)),
    send: async () => ({ rejected: 0 }),
    count: () => undefined,
  })
  const tracing: Tracing = { begin, believes: () => false, tells: () => false }
  const whileTracing = async <T>(work: () => Promise<T>): Promise<T> => {
    const untrace = traceWith(tracing)
    return work().finally(untrace)
  }
  // An audience that is opened without tracing has no hooks for it.
  const app = await whileTracing(openApp)
  return () => whileTracing(async () => void (await app.inject(path)))
}

/** The server's span, one for the session and one for the query; sent to a collector in a process of its own. */
async function wholeRequest(print: Print): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'collector-'))
  await keepLocalAuthority(folder)
  const collector = fork(join(import.meta.dirname, 'traces.collector.ts'), [folder])
  const [port] = (await once(collector, 'message')) as [number]
  const off = await start('logged')
  const all = await start('traced', layer(folder, port, 1))
  const tenth = await start('traced', layer(folder, port, 0.1))
  const servers = {
    'bare Fastify, same query': await start('bare', tenth.shared),
    'Surety with logs, traces off': off,
    'traces on, a tenth kept': tenth,
    'traces on, all kept': all,
  }
  const askers = Object.fromEntries(
    Object.entries(servers).map(([name, server]) => [name, asker(server, { id: server.id ?? tenth.id })]),
  )
  try {
    for (const clients of [1, CLIENTS]) {
      const title = `A signed-in POST, one row, HTTPS, ${clients} at once`
      printFigures(print, title, await compare(askers, clients))
    }
    await printCpu(print, servers, askers)
  } finally {
    for (const { end } of Object.values(servers)) end()
    collector.disconnect()
  }
}

const layer = (folder: string, port: number, tracesShare: number): SettingsLayer => ({
  egress: {
    register: [
      {
        name: 'Collector',
        purpose: 'traces',
        country: 'DE',
        hosts: ['localhost'],
        port,
        modules: ['telemetry'],
      },
    ],
    allowedNetworks: ['127.0.0.1/32', '::1/128'],
    caFileName: authorityFile(folder),
  },
  telemetry: { tracesUrl: `https://localhost:${port}/v1/traces`, tracesShare },
})
