import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer as createSocketServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { platformModules } from '../../src/cli/platform.ts'
import { preparePlatform } from '../../src/cli/prepare.ts'
import { frontOf } from '../../src/cli/serve.ts'
import { type Stores, stores } from '../../src/data/index.ts'
import { keepSecret } from '../../src/data/secrets.ts'
import { parseDatabaseUrl } from '../../src/data/sql.ts'
import { createServer, type HttpServer } from '../../src/http/server.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { newId } from '../../src/kernel/ids.ts'
import { createLog } from '../../src/kernel/log.ts'
import { type Module, orderModules, type Started, startModules } from '../../src/kernel/module.ts'
import type { GivesRoutes } from '../../src/kernel/routes.ts'
import { loadSettings, type SettingsLayer } from '../../src/kernel/settings.ts'
import type { EdgeApi } from '../../src/modules/edge/index.ts'
import { whyNoKernelWall } from '../../src/modules/media/index.ts'
import { type TenancyApi, tenancy } from '../../src/modules/tenancy/index.ts'
import { provisionTenant } from '../../src/modules/tenancy/provision.ts'
import type { IsolationModel, Tenant } from '../../src/modules/tenancy/tenant.ts'
import type { ProofApi } from '../../src/proof/api.ts'
import type { GivesMeasures } from '../../src/proof/measure.ts'
import { freshServers } from './freshServers.ts'
import { testPostgresUrl, testRedis } from './servers.ts'

/** Modules running on the run's Postgres and Redis. */
export interface TestPlatform {
  stores: Stores & { migrator: NonNullable<Stores['migrator']>; sealer: NonNullable<Stores['sealer']> }
  tenancy: TenancyApi
  /** The api of a started module. */
  api(module: string): unknown
  /** All that a started module gives. */
  gives(module: string): unknown
  /** The environment by which a process with these same modules has these settings. */
  env: Record<string, string | undefined>
  /** How its probes start a second process, which has all modules; a test may change it. */
  program: { args: string[]; env: Record<string, string | undefined>; release: string }
  /** A new tenant with a slug of its own. */
  makeTenant(model: IsolationModel): Promise<Tenant>
  /** Answers HTTP for the started modules, at the ports of the module edge, until `stop`. */
  serve(): Promise<HttpServer>
  /** The superuser, for sabotage, in `database`. */
  asSuperuser<T>(database: string, work: (client: pg.Client) => Promise<T>): Promise<T>
  stop(): Promise<void>
}

/** Whether this process has had no platform yet. */
let isFirst = true

const FILES = join(tmpdir(), 'platform-files')
const SECRETS = join(tmpdir(), 'platform-secrets')

/** Prepares the run's servers for `modules` and starts them, with stores and tenancy. */
export async function testPlatform(
  modules: readonly Module<any, any, any>[] = [],
  layer: SettingsLayer = {},
): Promise<TestPlatform> {
  const log = createLog({ name: 'test', level: 'error' })
  const superuser = parseDatabaseUrl(testPostgresUrl())
  const all = [stores, tenancy, ...modules]
  const prepare = (modules: readonly Module<any, any, any>[]) =>
    preparePlatform({ superuser, secrets: SECRETS, modules, log })
  const everything = () => prepare(platformModules)
  if (isFirst) await freshServers(superuser, { files: FILES, secrets: SECRETS }, everything)
  if (!isFirst || !orderModules(all).every((module) => platformModules.includes(module))) await prepare(all)
  isFirst = false
  const ports: SettingsLayer = orderModules(all).some(({ name }) => name === 'edge')
    ? { edge: { port: await freePort(), httpPort: await freePort() } }
    : {}
  const media: SettingsLayer = { media: { sandbox: await sandboxHere() } }
  const ours = orderModules(all).some(({ name }) => name === 'media') ? media : {}
  const profile = { ...storeSettings(superuser), ...ports, ...ours }
  const settings = loadSettings(all, { profile, file: layer })
  const program = {
    args: [join(import.meta.dirname, '../../src/cli/main.ts')],
    env: asEnvironment(media, profile, layer),
    release: join(import.meta.dirname, '../..'),
  }
  const context = { settings, clock: systemClock, log, build: 'test', program }
  const { started, stop } = await startModules(all, context)
  registerMeasures(started)
  const api = (name: string) => started.find((module) => module.name === name)?.gives.api
  const running = { stores: api('stores') as TestPlatform['stores'], tenancy: api('tenancy') as TenancyApi }
  let server: HttpServer | undefined
  return {
    ...running,
    env: asEnvironment(profile, layer),
    program,
    api,
    gives: (name) => started.find((module) => module.name === name)?.gives,
    async makeTenant(model) {
      const slug = `t${newId().slice(-12)}`
      const tenant = { slug, name: slug, model, hosts: [`${slug}.localhost`] }
      await provisionTenant(running.stores.asMigrator, keepSecret(SECRETS, 'tenant-roles'), tenant)
      return running.tenancy.bySlug(slug)
    },
    async serve() {
      const gives = started.map((module) => module.gives as GivesRoutes)
      server = await createServer({
        routes: gives.flatMap(({ routes }) => routes ?? []),
        guards: gives.flatMap(({ guards }) => guards ?? []),
        front: await frontOf(api('edge') as EdgeApi, running.tenancy),
        ready: async () => Object.values(await running.stores.ready()).every(Boolean),
        // A probe's attack on a broken route is loud.
        log: createLog({ name: 'http', level: 'silent' }),
        build: 'test',
      })
      await server.listen(api('edge') as EdgeApi)
      return server
    },
    asSuperuser: (database, work) => connected({ ...superuser, database }, work),
    async stop() {
      await server?.close()
      await stop()
    },
  }
}

/** What can confine processes on this machine, as `surety up` finds out too. */
async function sandboxHere(): Promise<string> {
  process.env.SURETY_TEST_SANDBOX ??= (await whyNoKernelWall()) ? 'runtime' : 'kernel'
  return process.env.SURETY_TEST_SANDBOX
}

/** What a process needs to be started with the same settings. */
function asEnvironment(...layers: SettingsLayer[]): Record<string, string | undefined> {
  const snake = (name: string) => name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase()
  const entries = layers
    .flatMap((layer) => Object.entries(layer))
    .flatMap(([module, settings]) =>
      Object.entries(settings).map(([name, value]) => [
        `SURETY_${snake(module)}__${snake(name)}`,
        typeof value === 'string' ? value : JSON.stringify(value),
      ]),
    )
  return { PATH: process.env.PATH, ...Object.fromEntries(entries) }
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createSocketServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  return port
}

function registerMeasures(started: readonly Started[]): void {
  const proof = started.find(({ name }) => name === 'proof')?.gives.api as ProofApi | undefined
  proof?.register(started.flatMap(({ gives }) => (gives as GivesMeasures).measures ?? []))
}

function storeSettings(superuser: pg.ClientConfig): SettingsLayer {
  const redis = testRedis()
  return {
    stores: {
      host: superuser.host,
      port: superuser.port,
      ...(redis.path
        ? { redisSocket: redis.path }
        : { redisUrl: `redis://${redis.host}:${redis.port}/${redis.db ?? 0}` }),
      ...(redis.password ? { redisPasswordFileName: writeRedisPassword(redis.password) } : {}),
      secrets: SECRETS,
      files: FILES,
      appPasswordFileName: join(SECRETS, 'app-password'),
      migratorPasswordFileName: join(SECRETS, 'migrator-password'),
      sealerPasswordFileName: join(SECRETS, 'sealer-password'),
    },
  }
}

function writeRedisPassword(password: string): string {
  const file = join(SECRETS, `redis-${process.pid}`)
  writeFileSync(file, password, { mode: 0o600 })
  return file
}

async function connected<T>(config: pg.ClientConfig, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(config)
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
