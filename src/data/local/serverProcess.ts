import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, renameSync, statSync } from 'node:fs'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Account } from './account.ts'

/** A running server program. */
export interface ServerProcess {
  pid: number
  /** Resolves when it has ended, with how: a signal's name or `exit code n`. */
  ended: Promise<string>
  hasEnded(): boolean
  signal(name: NodeJS.Signals): void
  /** Sends `polite`; after `timeoutMs` SIGKILL. Resolves when the process has ended. */
  end(polite: NodeJS.Signals, timeoutMs: number): Promise<void>
}

const LARGEST_LOG = 10_000_000

/**
 * Starts `command` as `account`, in a process group of its own so that a Ctrl-C in the terminal does not reach it
 * before those who use it, writing to `logFile`. When this process dies, however it dies, it gets `deathSignal`.
 */
export async function startServerProcess(options: {
  command: string
  args: readonly string[]
  account: Account | undefined
  deathSignal: 'INT' | 'TERM' | 'KILL'
  logFile: string
}): Promise<ServerProcess> {
  const { command, args, account, deathSignal, logFile } = options
  const bound = canBindToParent()
  const program = bound ? ['setpriv', '--pdeathsig', deathSignal, '--', command, ...args] : [command, ...args]
  rotate(logFile)
  const log = openSync(logFile, 'a', 0o600)
  const child = spawn(program[0] as string, program.slice(1), {
    stdio: ['ignore', log, log],
    detached: true,
    cwd: '/',
    env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8', TZ: 'UTC' },
    ...(account && { uid: account.uid, gid: account.gid }),
  })
  closeSync(log)
  await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject))
  if (!bound) watchParent(child, deathSignal)
  return describe(child)
}

/** The last `lines` of a server's log, for an error message. */
export function lastLines(logFile: string, lines: number): string {
  if (!existsSync(logFile)) return ''
  return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n')
}

function describe(child: ChildProcess): ServerProcess {
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`))
  })
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null
  return {
    pid: child.pid as number,
    ended,
    hasEnded,
    signal: (name) => void child.kill(name),
    async end(polite, timeoutMs) {
      child.kill(polite)
      const timeout = new AbortController()
      const late = sleep(timeoutMs, 'late', { signal: timeout.signal }).catch(() => 'ended')
      if ((await Promise.race([ended, late])) === 'late') child.kill('SIGKILL')
      timeout.abort()
      await ended
    },
  }
}

let bindable: boolean | undefined

/** Whether util-linux's setpriv can ask the kernel to signal a child when its parent dies (prctl(2)). */
function canBindToParent(): boolean {
  if (bindable !== undefined) return bindable
  try {
    execFileSync('setpriv', ['--pdeathsig', 'KILL', 'true'], { stdio: 'ignore' })
    bindable = true
  } catch {
    bindable = false
  }
  return bindable
}

/** Where there is no setpriv: a shell that waits for the end of a pipe we hold, then signals the server. */
function watchParent(server: ChildProcess, signal: string): void {
  const script = 'trap "" INT TERM HUP; cat; kill -s "$1" "$2"'
  const watcher = spawn('sh', ['-c', script, 'sh', signal, String(server.pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  watcher.unref()
  ;(watcher.stdin as Socket).unref()
  server.once('exit', () => {
    watcher.kill('SIGKILL')
    watcher.stdin?.destroy()
  })
}

function rotate(logFile: string): void {
  const size = statSync(logFile, { throwIfNoEntry: false })?.size ?? 0
  if (size > LARGEST_LOG) renameSync(logFile, `${logFile}.1`)
}
