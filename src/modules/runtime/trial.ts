import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Program } from '../../kernel/module.ts'
import type { EdgeApi, Unfinished } from '../edge/index.ts'

/** A second process of this deployment that answers HTTP at a port of its own, for a probe to end. */
export interface Trial {
  /** Status and body of one GET; `refused` when nobody takes the connection. */
  get(path: string): Promise<{ status: number; body: string } | 'refused'>
  /** Begins a request whose body stays unfinished until `finish()`. */
  begin(): Promise<Unfinished>
  signal(name: 'SIGTERM' | 'SIGKILL'): void
  /** Exit code and milliseconds since the call; null as code when a signal ended it. */
  ended(): Promise<{ code: number | null; took: number }>
  /** Ends it whatever it does. */
  stop(): Promise<void>
}

export type StartTrial = (env?: Record<string, string>) => Promise<Trial>

const START_MS = 20_000

/** Starts it with this deployment's settings but only the app role's credentials, and waits until it is ready. */
export async function startTrial(
  { args, env }: Program,
  edge: EdgeApi,
  changes: Record<string, string>,
): Promise<Trial> {
  const [port, httpPort] = [await freePort(), await freePort()]
  const own = Object.entries(env).filter(([name]) => !/__(MIGRATOR|SEALER)_/.test(name))
  const child = spawn(process.execPath, [...args, 'serve'], {
    env: {
      ...Object.fromEntries(own),
      SURETY_EDGE__PORT: String(port),
      SURETY_EDGE__HTTP_PORT: String(httpPort),
      LOG_LEVEL: 'silent',
      ...changes,
    },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  const errors = text(child.stderr as NonNullable<typeof child.stderr>)
  const trial = describe(child, edge, port)
  try {
    await untilReady(trial, async () => child.exitCode !== null && (await errors).slice(0, 300))
    return trial
  } catch (error) {
    await trial.stop()
    throw error
  }
}

async function untilReady(trial: Trial, ended: () => Promise<string | false>): Promise<void> {
  const deadline = performance.now() + START_MS
  for (;;) {
    const answer = await trial.get('/readyz')
    if (answer !== 'refused' && answer.status === 200) return
    const failure = await ended()
    if (failure !== false) throw new Error(`It did not start: ${failure}`)
    if (performance.now() > deadline) throw new Error(`It was not ready within ${START_MS} ms.`)
    await sleep(50)
  }
}

function describe(child: ChildProcess, edge: EdgeApi, port: number): Trial {
  const exited = child.exitCode === null ? once(child, 'exit') : Promise.resolve([child.exitCode])
  return {
    get: (path) =>
      edge.request({ host: edge.trustHost, path, port }).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ECONNREFUSED') return 'refused'
        throw error
      }),
    begin: () => edge.begin(port),
    signal: (name) => void child.kill(name),
    async ended() {
      const began = performance.now()
      const [code] = await exited
      return { code, took: Math.round(performance.now() - began) }
    },
    async stop() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
