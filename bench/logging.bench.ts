import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import pino from 'pino'
import { createAudience } from '../src/http/audience.ts'
import { systemClock } from '../src/kernel/clock.ts'
import { attachSink, createLog, type Log } from '../src/kernel/log.ts'
import type { GivesRoutes, RouteGroup } from '../src/kernel/routes.ts'
import { openLogFiles } from '../src/modules/telemetry/files.ts'
import { telemetry } from '../src/modules/telemetry/index.ts'
import { testPlatform } from '../test/support/platform.ts'
import { compare, type Print, printFigures } from './compare.ts'

/** As many lines make one call, so that the clock is not what is measured. */
const LINES = 1_000

const REQUEST = {
  kind: 'request',
  requestId: '01a1fd35-a0f8-7dac-afff-d19b7ece2096',
  audience: 'tenant',
  method: 'GET',
  route: '/api/v1/artists/:id',
  status: 200,
  ms: 3,
  tenantId: '01a1fd35-8cb3-7365-868a-77e06ddd1f55',
}
const NESTED = {
  ...REQUEST,
  user: { id: 7, email: 'jane@mail.invalid', token: 'abc', tags: [{ name: 'a' }, { secret: 'b' }] },
}

/** A line and a whole request, with and without what this platform does to logs. */
export async function run(print: Print): Promise<void> {
  await lines(print)
  await requests(print)
}

async function lines(print: Print): Promise<void> {
  const nowhere = { write: () => undefined }
  const redact = ['password', 'token', 'email', 'secret'].flatMap((name) => [name, `*.${name}`])
  const sealed = createLog({ name: 'bench', level: 'error', destination: nowhere })
  const files = openLogFiles(join(tmpdir(), 'bench-logs'), filesOptions())
  attachSink(sealed, files)
  const logs: Record<string, Log> = {
    'bare pino': pino({ name: 'bench' }, nowhere),
    'pino, 8 redaction paths': pino({ name: 'bench', redact }, nowhere),
    'redacting at any depth': createLog({ name: 'bench', level: 'info', destination: nowhere }),
    '… and written to sealed files': sealed,
  }
  for (const [what, entry] of Object.entries({
    'A line about a request': REQUEST,
    'A line with secrets in it': NESTED,
  }))
    printFigures(
      print,
      `${what}, ${LINES} a call`,
      await compare(
        Object.fromEntries(
          Object.entries(logs).map(([name, log]) => [
            name,
            async () => {
              for (let n = 0; n < LINES; n += 1) log.info(entry, 'request')
            },
          ]),
        ),
        1,
      ),
    )
  files.close()
}

const filesOptions = () => ({
  clock: systemClock,
  key: 'bench',
  keepFor: { requests: 1e9, lines: 1e9, alarms: 1e9 },
  writer: `bench-${process.pid}`,
})

async function requests(print: Print): Promise<void> {
  const platform = await testPlatform([telemetry])
  const { guards = [] } = platform.gives('telemetry') as GivesRoutes
  const bare = pino({ name: 'bench' }, pino.destination({ dest: join(tmpdir(), 'bench.log'), sync: false }))
  const barePino: RouteGroup = {
    audience: 'trust',
    plugin: async (app) => {
      app.addHook(
        'onResponse',
        async ({ id: requestId, method, routeOptions }, { statusCode: status, elapsedTime: ms }) => {
          bare.info({ requestId, method, route: routeOptions.url, status, ms }, 'request')
        },
      )
    },
  }
  const apps = {
    'bare pino, to a file': await appWith([barePino]),
    'full logging': await appWith(guards),
    'no logging': await appWith([]),
  }
  const calls = Object.entries(apps).map(([name, app]) => [name, () => app.inject('/thing')] as const)
  printFigures(print, 'A request without a limiter, injected', await compare(Object.fromEntries(calls), 4))
  for (const app of Object.values(apps)) await app.close()
  await platform.stop()
}

function appWith(guards: readonly RouteGroup[]): Promise<FastifyInstance> {
  const route: RouteGroup = {
    audience: 'trust',
    plugin: async (app) => {
      app.get('/thing', { config: { public: true } }, async () => ({ a: 'thing' }))
    },
  }
  const log = createLog({ name: 'bench', level: 'silent' })
  return createAudience('trust', { routes: [route], guards, log, build: 'bench', tenantOf: () => undefined })
}
