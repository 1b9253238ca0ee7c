import { type ChildProcess, spawn } from 'node:child_process'
import { readyBuild } from './readiness.ts'

/** How a crashed process is started again. */
export interface RestartPolicy {
  /** Milliseconds to wait after the first crash; doubles with each further one. */
  firstDelay: number
  /** The longest wait, in milliseconds. */
  maxDelay: number
  /** A process that ran this long, in milliseconds, is well again: its next crash counts as the first. */
  healthyAfter: number
}

/** A node process that is kept running. */
export interface Supervised {
  /** The process id of the present run; undefined between a crash and the next start. */
  pid(): number | undefined
  /** The build that the present run said it runs when it was ready. */
  build(): string | undefined
  /** Resolves when the first run says that it is ready; rejects when that run ends before. */
  ready: Promise<void>
  /** Sends SIGTERM, and SIGKILL when the process has not ended after `timeoutMs`. Never restarts after this. */
  stop(timeoutMs: number): Promise<void>
}

export const RESTART_POLICY: RestartPolicy = { firstDelay: 200, maxDelay: 30_000, healthyAfter: 60_000 }

/**
 * Runs `node ...args` and starts it again, with exponential backoff, whenever it ends without being asked to. The
 * child has an IPC channel and its own process group: it must call `dieWithParent`, and a Ctrl-C in the terminal
 * reaches it only through `stop`, so that processes end in the order we choose.
 */
export function supervise(options: {
  name: string
  args: readonly string[]
  env: Record<string, string | undefined>
  log: (line: string) => void
  restart: RestartPolicy
  /** The Node that runs it; else the one that runs this. */
  node?: string
  /** File descriptors that it finds as 4, 5 and so on. */
  descriptors?: readonly number[]
  /** What it prints, instead of showing it. */
  output?: 'ignore'
  /** Called whenever it started, was ready, or ended. */
  changed?: () => void
}): Supervised {
  const {
    name,
    args,
    env,
    log,
    restart,
    node = process.execPath,
    descriptors = [],
    output = 'inherit',
    changed,
  } = options
  const ready = Promise.withResolvers<void>()
  ready.promise.catch(() => undefined) // not everybody waits for it
  let child: ChildProcess | undefined
  let build: string | undefined
  let stopping = false
  let crashes = 0
  let pause: NodeJS.Timeout | undefined

  const start = (): void => {
    const began = Date.now()
    const started = spawn(node, args, {
      env,
      stdio: ['ignore', output, output, 'ipc', ...descriptors],
      detached: true,
    })
    child = started
    changed?.()
    started.on('message', (message) => {
      build = readyBuild(message) ?? build
      if (build === undefined) return
      ready.resolve()
      changed?.()
    })
    onceEnded(started, (how) => {
      child = undefined
      build = undefined
      ready.reject(new Error(`${name} ended before it was ready (${how})`))
      changed?.()
      if (stopping) return
      if (Date.now() - began >= restart.healthyAfter) crashes = 0
      const delay = Math.min(restart.firstDelay * 2 ** crashes, restart.maxDelay)
      crashes += 1
      log(`${name} ended unexpectedly (${how}); starting it again in ${delay} ms`)
      pause = setTimeout(start, delay)
    })
  }
  start()

  return {
    pid: () => child?.pid,
    build: () => build,
    ready: ready.promise,
    async stop(timeoutMs) {
      stopping = true
      clearTimeout(pause)
      if (child)
        await endWithin(child, timeoutMs, () => log(`${name} did not end in ${timeoutMs} ms; killed`))
    },
  }
}

function onceEnded(child: ChildProcess, ended: (how: string) => void): void {
  let told = false
  const tell = (how: string): void => {
    if (told) return
    told = true
    ended(how)
  }
  child.once('error', (error) => tell(error.message))
  child.once('exit', (code, signal) => tell(signal ?? `exit code ${code}`))
}

function endWithin(child: ChildProcess, timeoutMs: number, onKill: () => void): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined)
    return Promise.resolve()
  return new Promise((resolve) => {
    const kill = setTimeout(() => {
      onKill()
      child.kill('SIGKILL')
    }, timeoutMs)
    child.once('exit', () => {
      clearTimeout(kill)
      resolve()
    })
    child.kill('SIGTERM')
  })
}
