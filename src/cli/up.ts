import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import pc from 'picocolors'
import { ensureServers } from '../data/local/binaries.ts'
import { removeShortSocketFolder, socketFolder } from '../data/local/home.ts'
import { startPostgres } from '../data/local/postgres.ts'
import { startRedis } from '../data/local/redis.ts'
import { parseDatabaseUrl } from '../data/sql.ts'
import { systemClock } from '../kernel/clock.ts'
import { GIVEN_SOCKETS } from '../kernel/givenSockets.ts'
import { createLog } from '../kernel/log.ts'
import type { SettingsTree } from '../kernel/module.ts'
import { loadSettings } from '../kernel/settings.ts'
import { RESTART_POLICY, type Supervised, supervise } from '../kernel/supervise.ts'
import { archiveSettings, openPlace } from '../modules/backup/index.ts'
import type { EdgeSettings } from '../modules/edge/index.ts'
import { whyNoKernelWall } from '../modules/media/index.ts'
import { bindDoor, keepReleases, type Member } from '../modules/release/index.ts'
import { pitrIn } from './cluster.ts'
import { DATA, KEPT, saveEnvironment, saveState, withConventionalNames } from './environment.ts'
import { findProfile, loadApp, mainOf, modulesOf, profileLayer, releaseOf } from './platform.ts'
import { preparePlatform } from './prepare.ts'
import { dieWithParent } from './process/dieWithParent.ts'
import { offerSetUpLink } from './setUp.ts'
import { planStandIn } from './standIn.ts'
import { showWhereToLook } from './whereToLook.ts'

/** How much longer than its own cap a process may take to end before it is killed. */
const GRACE_MS = 5_000
/** Sets `media.sandbox`. */
const SANDBOX = 'SURETY_MEDIA__SANDBOX'

/**
 * Boots everything on this machine: Postgres and Redis (private ones in `.data/`, unless DATABASE_URL and REDIS_URL name
 * others), roles and schemas, the way out, the serving process and the working process. Ends all of it when this process
 * ends. In a folder of releases it goes over to the one that is activated.
 */
export async function up(options: { app?: string; profile?: string }): Promise<void> {
  const log = (line: string) => console.log(pc.dim(line))
  const endings: (() => Promise<unknown>)[] = []
  const ended = new AbortController()
  const stopAll = async () => {
    ended.abort()
    for (const end of endings.splice(0).reverse()) await end()
  }
  const end = dieWithParent(stopAll)
  try {
    const named: Record<string, string> = {
      ...(options.app ? { SURETY_APP: resolve(options.app) } : {}),
      ...(options.profile ? { SURETY_PROFILE: findProfile(options.profile).name } : {}),
    }
    const environment = await startServers(log, endings, named)
    const prepared = withConventionalNames({ ...process.env, ...environment.all })
    const app = await loadApp(prepared)
    const payments = app.demo && (await planStandIn(resolve(DATA), prepared))
    for (const each of [environment.app, environment.all]) Object.assign(each, payments)
    saveEnvironment(environment.all)
    const own = { ...prepared, ...payments }
    const settings = loadSettings(modulesOf(app), { environment: own, profile: profileLayer(own) })
    const { shutdownTimeout } = settings.runtime as { shutdownTimeout: number }
    const keep = (name: string, args: readonly string[], env: Record<string, string>) => {
      const other = keepOther(name, args, env, log)
      endings.push(() => other.stop(shutdownTimeout + GRACE_MS))
    }
    keep('witness', environment.witness, {})
    await keepProcesses(settings, environment, { endings, log })
    await showWhereToLook({ settings, app, setUp: await offerSetUpLink(settings) }, ended.signal)
    // Nobody pays at once, and starting it takes from those that answer.
    if (payments && !ended.signal.aborted) keep('stand-in', [], environment.app)
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
    end()
  }
}

/** The processes that are of the release which is active. */
async function keepProcesses(
  settings: SettingsTree,
  { app, all }: { app: Record<string, string>; all: Record<string, string> },
  { endings, log }: { endings: (() => Promise<unknown>)[]; log: (line: string) => void },
): Promise<void> {
  const { shutdownTimeout } = settings.runtime as { shutdownTimeout: number }
  const { reloadWithin } = settings.release as { reloadWithin: number }
  const stopWithin = shutdownTimeout + GRACE_MS
  const release = releaseOf(process.env)
  const door = await bindDoor(settings.edge as EdgeSettings)
  const member = (
    name: string,
    environment: Record<string, string>,
    descriptors: readonly number[],
  ): Member => ({
    name,
    args: (folder) => [mainOf(folder), name],
    env: { ...process.env, ...environment, ...socketsAt(descriptors) },
    descriptors,
    needed: name === 'egress',
  })
  const keeper = keepReleases({
    members: [
      member('egress', app, []),
      member('serve', app, door?.descriptors ?? []),
      // Only the working process gets the file names of the migrator's and the sealer's passwords.
      member('work', all, []),
    ],
    release,
    readyWithin: reloadWithin,
    stopWithin,
    clock: systemClock,
    log,
    tell: (state) => saveState(KEPT, state),
  })
  endings.push(async () => {
    door?.close()
    await keeper.stop(stopWithin)
  })
}

/** Stands in for somebody else, so it is none of the release's processes. */
function keepOther(
  name: string,
  args: readonly string[],
  env: Record<string, string>,
  log: (line: string) => void,
): Supervised {
  return supervise({
    name,
    args: [mainOf(releaseOf(process.env)), name, ...args],
    env: { ...process.env, ...env },
    log,
    restart: RESTART_POLICY,
  })
}

/** Descriptors that a process is given begin at 4, after those of every process and its channel. */
const socketsAt = (descriptors: readonly number[]): Record<string, string> =>
  descriptors.length > 0 ? { [GIVEN_SOCKETS]: descriptors.map((_, at) => 4 + at).join(',') } : {}

async function startServers(
  log: (line: string) => void,
  endings: (() => Promise<unknown>)[],
  named: Record<string, string>,
) {
  const { DATABASE_URL, REDIS_URL } = process.env
  const needed = [
    'bwrap' as const,
    ...(DATABASE_URL ? [] : (['postgres'] as const)),
    ...(REDIS_URL ? [] : (['redis'] as const)),
  ]
  const pitr = pitrIn({ ...process.env, ...named })
  await ensureServers([...needed, ...(pitr ? (['pgbackrest'] as const) : [])], log)
  const dir = resolve(DATA)
  const secrets = join(dir, 'secrets')
  const place = pitr && openPlace({ files: dir, secrets, pitr, log })
  const settings = (cluster: string) => (place ? archiveSettings(place, cluster, pitr) : {})
  const postgres = DATABASE_URL ? undefined : await startPostgres({ dir, settings, log })
  if (pitr && !postgres)
    log('`surety backup cluster check` says what your postgresql.conf lacks for backup.pitr.')
  if (postgres) endings.push(postgres.stop)
  const redis = REDIS_URL ? undefined : await startRedis({ dir, log })
  if (redis) endings.push(redis.stop)
  const superuser = parseDatabaseUrl(postgres?.url ?? (DATABASE_URL as string))
  const quiet = createLog({ name: 'prepare', level: 'error' })
  await preparePlatform({
    superuser,
    secrets,
    modules: modulesOf(await loadApp({ ...process.env, ...named })),
    log: quiet,
    onProgress: (done, total, database) => database && log(`Schema ${done + 1}/${total}: ${database}`),
  })
  const witnessAt = `unix:${processSocket(dir, 'witness', endings)}`
  const witness = [
    ...['--folder', join(dir, 'witness'), '--listen', witnessAt],
    ...['--log-key', join(secrets, 'log-key.pub')],
  ]
  const app: Record<string, string> = {
    ...named,
    ...(await chooseSandbox(log)),
    SURETY_STORES__HOST: String(superuser.host),
    SURETY_STORES__PORT: String(superuser.port),
    SURETY_STORES__SECRETS: secrets,
    SURETY_STORES__FILES: dir,
    SURETY_STORES__APP_PASSWORD_FILE_NAME: join(secrets, 'app-password'),
    SURETY_EGRESS__SOCKET: processSocket(dir, 'egress', endings),
    SURETY_RELEASE__KEPT_FILE_NAME: resolve(KEPT),
    SURETY_PROOF__WITNESS: witnessAt,
    SURETY_PROOF__WITNESS_KEY_PATH: join(dir, 'witness', 'witness-key.pub'),
    ...(redis ? { SURETY_STORES__REDIS_SOCKET: redis.path, ...passwordFile(secrets, redis.password) } : {}),
    ...(REDIS_URL ? { SURETY_STORES__REDIS_URL: REDIS_URL } : {}),
  }
  const all = {
    ...app,
    SURETY_STORES__MIGRATOR_PASSWORD_FILE_NAME: join(secrets, 'migrator-password'),
    SURETY_STORES__SEALER_PASSWORD_FILE_NAME: join(secrets, 'sealer-password'),
    ...(postgres ? { SURETY_AUDIT__DATABASE_LOG: postgres.logFile } : {}),
  }
  return { app, all, witness }
}

/** Where the kernel cannot confine processes, `up` goes on with less unless it was told what is wanted, and says so. */
async function chooseSandbox(log: (line: string) => void): Promise<Record<string, string>> {
  if (process.env[SANDBOX]) return {}
  const why = await whyNoKernelWall()
  if (!why) return { [SANDBOX]: 'kernel' }
  log(`${why} Uploaded files are read under Node's permissions alone; that nothing escapes is not promised.`)
  return { [SANDBOX]: 'runtime' }
}

/** Where a process that others of this machine ask listens. */
function processSocket(dir: string, name: 'egress' | 'witness', endings: (() => Promise<unknown>)[]): string {
  const home = join(dir, name)
  mkdirSync(home, { recursive: true, mode: 0o750 })
  endings.push(async () => removeShortSocketFolder(join(home, 'run')))
  // As long as it gets: the process binds it under a name with its id first.
  return join(socketFolder(home, `${name}.sock.4194304`, undefined), `${name}.sock`)
}

function passwordFile(secrets: string, password: string): Record<string, string> {
  const file = join(secrets, 'redis-client')
  mkdirSync(secrets, { recursive: true, mode: 0o700 })
  writeFileSync(file, password, { mode: 0o600 })
  return { SURETY_STORES__REDIS_PASSWORD_FILE_NAME: file }
}
