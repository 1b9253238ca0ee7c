import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { keepSecret } from '../secrets.ts'
import { type Account, isRoot, serverAccount } from './account.ts'
import { ensureServers, type PostgresBinaries } from './binaries.ts'
import { claim } from './claim.ts'
import { removeShortSocketFolder, serverHome, socketFolder } from './home.ts'
import { endOrphan } from './orphan.ts'
import { prepareCluster, startFailed } from './postgresCluster.ts'
import { type PostgresListen, type PostgresSettings, writePostgresConfig } from './postgresConfig.ts'
import { lastLines, type ServerProcess, startServerProcess } from './serverProcess.ts'

/** A private Postgres server that lives as long as this process at most. */
export interface LocalPostgres {
  /** Connects the superuser `postgres` to the database `postgres` over the UNIX socket. */
  url: string
  /** The superuser's password, as in `<dir>/secrets/postgres-superuser`. */
  password: string
  socketDir: string
  /** What the server logs. */
  logFile: string
  /** Part of the socket's name, and the TCP port when `listen` was given. */
  port: number
  pid: number
  /** Resolves when the server has ended, asked to or not, with how it ended. */
  ended: Promise<string>
  /** Ends it in order: sessions are closed, the data is written. */
  stop(): Promise<void>
  /** Ends it as a power cut would (SIGKILL). The next start recovers. */
  kill(): Promise<void>
}

const STOP_MS = 30_000
const SLOW_START_MS = 5_000

/**
 * Starts a private Postgres on the files in `<dir>/postgres`, made on first use, reachable by the UNIX socket only unless
 * `listen` names a TCP address (port 0: any free one). Installs Postgres when it can (see binaries.ts). Throws a Problem
 * that says what to do.
 */
export async function startPostgres(options: {
  dir: string
  /** Some need to know where the database files are. */
  settings?: PostgresSettings | ((cluster: string) => PostgresSettings)
  listen?: PostgresListen
  log: (line: string) => void
}): Promise<LocalPostgres> {
  const { dir, log } = options
  await ensureServers(['postgres'], log)
  const account = serverAccount(['postgres'])
  if (isRoot() && !account)
    throw startFailed('Postgres refuses to run as root: create a user named postgres.')
  const home = serverHome({ dir, name: 'postgres', account, log })
  const release = await claim(`postgres ${home}`)
  try {
    const listen = options.listen && { ...options.listen, port: options.listen.port || (await freePort()) }
    const password = keepSecret(join(dir, 'secrets'), 'postgres-superuser')
    const pidFile = join(home, 'cluster/postmaster.pid')
    await endOrphan({ pidFile, folder: join(home, 'cluster'), polite: 'SIGINT', log })
    const binaries = await prepareCluster({ home, password, account, log })
    const port = listen?.port ?? 5432
    const socketDir = socketFolder(home, `.s.PGSQL.${port}`, account)
    const given = options.settings ?? {}
    const settings = typeof given === 'function' ? given(join(home, 'cluster')) : given
    writePostgresConfig({ home, socketFolder: socketDir, settings, listen })
    const url = `postgres://postgres:${password}@${encodeURIComponent(socketDir)}:${port}/postgres`
    const server = await run({ home, binaries, account, url, log })
    return describe({ server, url, password, socketDir, port, home, release })
  } catch (error) {
    await release()
    throw error
  }
}

function describe(options: {
  server: ServerProcess
  url: string
  password: string
  socketDir: string
  port: number
  home: string
  release: () => Promise<void>
}): LocalPostgres {
  const { server, url, password, socketDir, port, home, release } = options
  const ended = server.ended.then(async (how) => {
    removeShortSocketFolder(join(home, 'run'))
    await release()
    return how
  })
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    await server.end(signal, STOP_MS)
    await ended
  }
  const stop = (): Promise<void> => end('SIGINT')
  const kill = (): Promise<void> => end('SIGKILL')
  return { url, password, socketDir, logFile: logFileOf(home), port, pid: server.pid, ended, stop, kill }
}

const logFileOf = (home: string): string => join(home, 'server.log')

async function run(options: {
  home: string
  binaries: PostgresBinaries
  account: Account | undefined
  url: string
  log: (line: string) => void
}): Promise<ServerProcess> {
  const { home, binaries, account, url, log } = options
  const logFile = logFileOf(home)
  const began = Date.now()
  for (;;) {
    const server = await startServerProcess({
      command: join(binaries.folder, 'postgres'),
      args: ['-D', join(home, 'cluster'), '-c', `config_file=${join(home, 'postgresql.conf')}`],
      account,
      deathSignal: 'INT',
      logFile,
    })
    if (await answers(server, url, log)) return server
    const why = lastLines(logFile, 5)
    // Sessions of a killed server need a moment to notice that it is gone.
    const dying = why.includes('pre-existing shared memory block') && Date.now() - began < 10_000
    if (!dying) throw startFailed(`It ended at once (${await server.ended}). The end of ${logFile}:\n${why}`)
    await sleep(200)
  }
}

/** Waits until the superuser can log in; false when the server ends before. */
async function answers(server: ServerProcess, url: string, log: (line: string) => void): Promise<boolean> {
  const began = Date.now()
  for (let told = false; !server.hasEnded(); ) {
    const refusal = await logIn(url)
    if (refusal === undefined) return true
    if (refusal === '28P01') {
      await server.end('SIGINT', STOP_MS)
      throw startFailed(
        'The password in secrets/postgres-superuser is not the one the database files were made with.',
      )
    }
    if (!told && Date.now() - began > SLOW_START_MS) {
      log('Postgres is recovering from an unclean end …')
      told = true
    }
    await sleep(20)
  }
  return false
}

/** The code of the refusal (SQLSTATE or system error), undefined when welcome. */
async function logIn(url: string): Promise<string | undefined> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  try {
    await client.connect()
    return undefined
  } catch (error) {
    return (error as { code?: string }).code ?? 'unknown'
  } finally {
    await client.end().catch(() => {})
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
