import { mkdirSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pc from 'picocolors'
import { ensureServers } from '../data/local/binaries.ts'
import { startPostgres } from '../data/local/postgres.ts'
import { startRedis } from '../data/local/redis.ts'
import { parseDatabaseUrl } from '../data/sql.ts'
import { createLog } from '../kernel/log.ts'
import type { SettingsTree } from '../kernel/module.ts'
import { loadSettings } from '../kernel/settings.ts'
import { authorityFile } from '../modules/edge/authority.ts'
import type { EdgeSettings } from '../modules/edge/index.ts'
import { requestEdge } from '../modules/edge/request.ts'
import { DATA, saveEnvironment, withConventionalNames } from './environment.ts'
import { platformModules } from './platform.ts'
import { preparePlatform } from './prepare.ts'
import { dieWithParent } from './process/dieWithParent.ts'
import { RESTART_POLICY, supervise } from './process/supervise.ts'

/** How much longer than its own cap a process may take to end before it is killed. */
const GRACE_MS = 5_000

/**
 * Boots everything on this machine: Postgres and Redis (private ones in `.data/`, unless DATABASE_URL and REDIS_URL name
 * others), roles and schemas, the serving process and the working process. Ends all of it when this process ends.
 */
export async function up(): Promise<void> {
  const log = (line: string) => console.log(pc.dim(line))
  const endings: (() => Promise<unknown>)[] = []
  const ended = new AbortController()
  const stopAll = async () => {
    ended.abort()
    for (const end of endings.splice(0).reverse()) await end()
  }
  const end = dieWithParent(stopAll)
  try {
    const environment = await startServers(log, endings)
    saveEnvironment(environment.all)
    const own = withConventionalNames({ ...process.env, ...environment.all })
    const settings = loadSettings(platformModules, { environment: own })
    const { shutdownTimeout } = settings.runtime as { shutdownTimeout: number }
    const stopWithin = shutdownTimeout + GRACE_MS
    for (const name of ['serve', 'work'] as const) {
      const child = supervise({
        name,
        args: [resolve(import.meta.dirname, 'main.ts'), name],
        // The serving process gets no file name of the migrator's or the sealer's password.
        env: { ...process.env, ...(name === 'serve' ? environment.app : environment.all) },
        log,
        restart: RESTART_POLICY,
      })
      endings.push(() => child.stop(stopWithin))
    }
    await showWhereToLook(settings, ended.signal)
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
    end()
  }
}

/** Waits until the platform answers, then says where. */
async function showWhereToLook(settings: SettingsTree, ended: AbortSignal): Promise<void> {
  const { trustHost, bind, port, httpPort, tlsKeyFileName } = settings.edge as EdgeSettings
  const authority = tlsKeyFileName ? undefined : authorityFile(String(settings.stores?.secrets))
  const door = { bind, port, httpPort, authorityFile: authority }
  while (!ended.aborted) {
    const answer = await requestEdge(door, { host: trustHost, path: '/readyz' }).catch(() => undefined)
    if (answer?.status === 200) break
    await sleep(200, undefined, { signal: ended }).catch(() => undefined)
  }
  if (ended.aborted) return
  console.log(
    `\n${pc.bold('Surety')} is ready. Trust center: ${pc.underline(`https://${trustHost}:${port}`)}`,
  )
  if (authority)
    console.log(pc.dim(`Your browser will ask once: its certificate comes from ${relative('.', authority)}.`))
  console.log(`In another terminal: ${pc.bold('npm run surety -- prove')}. Ctrl-C ends everything.\n`)
}

async function startServers(log: (line: string) => void, endings: (() => Promise<unknown>)[]) {
  const { DATABASE_URL, REDIS_URL } = process.env
  const needed = [
    ...(DATABASE_URL ? [] : (['postgres'] as const)),
    ...(REDIS_URL ? [] : (['redis'] as const)),
  ]
  await ensureServers(needed, log)
  const dir = resolve(DATA)
  const secrets = join(dir, 'secrets')
  const postgres = DATABASE_URL ? undefined : await startPostgres({ dir, log })
  if (postgres) endings.push(postgres.stop)
  const redis = REDIS_URL ? undefined : await startRedis({ dir, log })
  if (redis) endings.push(redis.stop)
  const superuser = parseDatabaseUrl(postgres?.url ?? (DATABASE_URL as string))
  const quiet = createLog({ name: 'prepare', level: 'error' })
  await preparePlatform({
    superuser,
    secrets,
    modules: platformModules,
    log: quiet,
    onProgress: (done, total, database) => database && log(`Schema ${done + 1}/${total}: ${database}`),
  })
  const app: Record<string, string> = {
    SURETY_STORES__HOST: String(superuser.host),
    SURETY_STORES__PORT: String(superuser.port),
    SURETY_STORES__SECRETS: secrets,
    SURETY_STORES__FILES: dir,
    SURETY_STORES__APP_PASSWORD_FILE_NAME: join(secrets, 'app-password'),
    ...(redis ? { SURETY_STORES__REDIS_SOCKET: redis.path, ...passwordFile(secrets, redis.password) } : {}),
    ...(REDIS_URL ? { SURETY_STORES__REDIS_URL: REDIS_URL } : {}),
  }
  const all = {
    ...app,
    SURETY_STORES__MIGRATOR_PASSWORD_FILE_NAME: join(secrets, 'migrator-password'),
    SURETY_STORES__SEALER_PASSWORD_FILE_NAME: join(secrets, 'sealer-password'),
  }
  return { app, all }
}

function passwordFile(secrets: string, password: string): Record<string, string> {
  const file = join(secrets, 'redis-client')
  mkdirSync(secrets, { recursive: true, mode: 0o700 })
  writeFileSync(file, password, { mode: 0o600 })
  return { SURETY_STORES__REDIS_PASSWORD_FILE_NAME: file }
}
