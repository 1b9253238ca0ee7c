import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { defineProblem } from '../../kernel/problems.ts'
import { databases, roles } from '../roles.ts'
import type { SqlAddress } from '../sql.ts'
import type { Account } from './account.ts'
import { findPostgres } from './binaries.ts'
import { giveFolder, removeShortSocketFolder, socketFolder } from './home.ts'
import { lastLines, type ServerProcess, startServerProcess } from './serverProcess.ts'

const notRecovered = defineProblem({
  code: 'local-recovery',
  status: 500,
  title: 'The restored cluster does not come up',
})

const PORT = 5432
const STOP_MS = 60_000
/** SQLSTATE cannot_connect_now, and what a socket says that nobody listens at yet. */
const NOT_YET = ['57P03', 'ENOENT', 'ECONNREFUSED']

/** What a cluster's files need to be recovered. */
export interface Recovery {
  /** The restored database files. */
  cluster: string
  /** A folder for what the server needs beside them; gone afterwards. */
  home: string
  /** Who owns the files, when that is not who we are. */
  account: Account | undefined
  /** Whether what it writes must survive a power cut: not when it is looked at and thrown away. */
  keep: boolean
  /** Gives up when it aborts. */
  signal?: AbortSignal | undefined
}

/**
 * Lets a Postgres of its own replay the log on restored files, up to the instant that they are to be recovered to, runs
 * `work` with an address of it (without role and database), and ends it in order. Throws a Problem with the server's own
 * words when it does not get there.
 */
export async function recover<T>(recovery: Recovery, work: (address: SqlAddress) => Promise<T>): Promise<T> {
  const { cluster, home, account } = recovery
  const major = Number(readFileSync(join(cluster, 'PG_VERSION'), 'utf8'))
  const binaries = findPostgres(major)
  if (!binaries) throw notRecovered(`The files are of PostgreSQL ${major}, which is not installed here.`)
  giveFolder(home, account)
  const socket = socketFolder(home, `.s.PGSQL.${PORT}`, account)
  writeConfig(home, socket, recovery.keep)
  const logFile = join(home, 'server.log')
  const server = await startServerProcess({
    command: join(binaries.folder, 'postgres'),
    args: ['-D', cluster, '-c', `config_file=${join(home, 'postgresql.conf')}`],
    account,
    deathSignal: 'INT',
    logFile,
  })
  try {
    const address = { host: socket, port: PORT }
    await untilRecovered(server, address, { logFile, signal: recovery.signal })
    return await work(address)
  } finally {
    await server.end('SIGINT', STOP_MS)
    removeShortSocketFolder(join(home, 'run'))
    rmSync(home, { recursive: true, force: true })
  }
}

function writeConfig(home: string, socket: string, keep: boolean): void {
  const settings = {
    listen_addresses: '',
    port: PORT,
    unix_socket_directories: socket,
    hba_file: join(home, 'pg_hba.conf'),
    // Nobody reads before it is where it should be; it also lets the server start with fewer connections than it had.
    hot_standby: 'off',
    fsync: keep ? 'on' : 'off',
    log_min_error_statement: 'panic',
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value}'\n`)
  writeFileSync(join(home, 'postgresql.conf'), lines.join(''), { mode: 0o644 })
  // The socket's folder admits the owner of the files and root, who could read the files themselves.
  writeFileSync(join(home, 'pg_hba.conf'), 'local all all trust\n', { mode: 0o644 })
}

async function untilRecovered(
  server: ServerProcess,
  address: SqlAddress,
  { logFile, signal }: { logFile: string; signal: AbortSignal | undefined },
): Promise<void> {
  while (!server.hasEnded()) {
    signal?.throwIfAborted()
    if (await accepts(address)) return
    await sleep(50)
  }
  throw notRecovered(reasonIn(lastLines(logFile, 30)) ?? `It ended (${await server.ended}).`)
}

async function accepts(address: SqlAddress): Promise<boolean> {
  const client = new pg.Client({ ...address, user: roles.migrator, database: databases.control })
  client.on('error', () => {})
  try {
    await client.connect()
    return true
  } catch (error) {
    const { code = '' } = error as { code?: string }
    if (NOT_YET.includes(code)) return false
    throw error
  } finally {
    await client.end().catch(() => {})
  }
}

function reasonIn(log: string): string | undefined {
  // Those whom it turns away while it recovers stand there too.
  const fatal = log.split('\n').findLast((line) => /FATAL:(?!\s+the database system is)/.test(line))
  return fatal?.replace(/^.*FATAL:\s*/, '')
}
