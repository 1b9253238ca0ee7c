import { chownSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { defineProblem } from '../../kernel/problems.ts'
import { keepSecret } from '../secrets.ts'
import { type Account, serverAccount } from './account.ts'
import { ensureServers, findRedis } from './binaries.ts'
import { claim } from './claim.ts'
import { removeShortSocketFolder, serverHome, socketFolder } from './home.ts'
import { endOrphan } from './orphan.ts'
import { lastLines, type ServerProcess, startServerProcess } from './serverProcess.ts'

/** Redis directives; a value that must be quoted brings its quotes. */
export type RedisSettings = Record<string, string | number>

/** A private Redis server that lives as long as this process at most. */
export interface LocalRedis {
  /** The UNIX socket. */
  path: string
  /** As in `<dir>/secrets/redis`. */
  password: string
  pid: number
  /** Resolves when the server has ended, asked to or not, with how it ended. */
  ended: Promise<string>
  /** Ends it in order: the append-only file is written out. */
  stop(): Promise<void>
  /** Ends it as a power cut would (SIGKILL). */
  kill(): Promise<void>
}

const STOP_MS = 30_000
const startFailed = defineProblem({
  code: 'local-redis',
  status: 500,
  title: 'The private Redis does not start',
})

/**
 * Starts a private Redis on the files in `<dir>/redis`, reachable by the UNIX socket only, with an append-only file
 * synced every second. Installs Redis when it can (see binaries.ts). Throws a Problem that says what to do.
 */
export async function startRedis(options: {
  dir: string
  settings?: RedisSettings
  log: (line: string) => void
}): Promise<LocalRedis> {
  const { dir, settings = {}, log } = options
  await ensureServers(['redis'], log)
  const account = serverAccount(['redis'])
  const home = serverHome({ dir, name: 'redis', account, log })
  const release = await claim(`redis ${home}`)
  try {
    const password = keepSecret(join(dir, 'secrets'), 'redis')
    const configFile = join(home, 'redis.conf')
    await endOrphan({ pidFile: join(home, 'redis.pid'), folder: configFile, polite: 'SIGTERM', log })
    const path = join(socketFolder(home, 'redis.sock', account), 'redis.sock')
    rmSync(path, { force: true })
    writeConfig({ configFile, home, path, password, settings, account })
    const server = await run({ home, configFile, path, password, account })
    return describe({ server, path, password, home, release })
  } catch (error) {
    await release()
    throw error
  }
}

function describe(options: {
  server: ServerProcess
  path: string
  password: string
  home: string
  release: () => Promise<void>
}): LocalRedis {
  const { server, path, password, home, release } = options
  const ended = server.ended.then(async (how) => {
    removeShortSocketFolder(join(home, 'run'))
    await release()
    return how
  })
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    await server.end(signal, STOP_MS)
    await ended
  }
  return { path, password, pid: server.pid, ended, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') }
}

/** A file rather than arguments: everybody on the machine may read a process's arguments. */
function writeConfig(options: {
  configFile: string
  home: string
  path: string
  password: string
  settings: RedisSettings
  account: Account | undefined
}): void {
  const { configFile, home, path, password, settings, account } = options
  const directives: RedisSettings = {
    port: 0,
    unixsocket: JSON.stringify(path),
    unixsocketperm: 700,
    requirepass: password,
    dir: JSON.stringify(home),
    pidfile: JSON.stringify(join(home, 'redis.pid')),
    appendonly: 'yes',
    appendfsync: 'everysec',
    save: '""',
    // The command line stays as it was, so that a process of ours is recognised by it.
    'set-proc-title': 'no',
    ...settings,
  }
  const lines = Object.entries(directives).map(([name, value]) => `${name} ${value}\n`)
  writeFileSync(configFile, lines.join(''), { mode: 0o600 })
  if (account) chownSync(configFile, account.uid, account.gid)
}

async function run(options: {
  home: string
  configFile: string
  path: string
  password: string
  account: Account | undefined
}): Promise<ServerProcess> {
  const { home, configFile, path, password, account } = options
  // A name of our own for the program: see findRedis.
  const command = join(home, 'redis-server')
  rmSync(command, { force: true })
  symlinkSync(findRedis() as string, command)
  const logFile = join(home, 'server.log')
  const server = await startServerProcess({
    command,
    args: [configFile],
    account,
    deathSignal: 'TERM',
    logFile,
  })
  while (!server.hasEnded()) {
    if (await answers(path, password)) return server
    await sleep(20)
  }
  throw startFailed(
    `It ended at once (${await server.ended}). The end of ${logFile}:\n${lastLines(logFile, 5)}`,
  )
}

/** Whether the server is up and has loaded its data (RESP2; a password is base64url, so it needs no quoting). */
function answers(path: string, password: string): Promise<boolean> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect(path, () => socket.end(`AUTH ${password}\r\nPING\r\n`))
    socket.on('data', (chunk) => {
      answer += chunk
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(answer === '+OK\r\n+PONG\r\n'))
  })
}
