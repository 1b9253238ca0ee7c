import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Stores } from '../../data/index.ts'
import type { Program } from '../../kernel/module.ts'
import type { EdgeApi } from '../edge/index.ts'
import type { Ask } from './listen.ts'

const OUTBOUND_OFF = fileURLToPath(new URL('./outboundOff.ts', import.meta.url))
const START_MS = 60_000

/** The same build, serving on ports of its own, with nothing going out. */
export interface BootedCopy {
  /** Asks it as a client of `host`. */
  ask(host: string): Ask
  stop(): Promise<void>
}

/** Starts it with the app role's credentials alone and waits until it is ready. */
export async function bootCopy(program: Program, edge: EdgeApi, stores: Stores): Promise<BootedCopy> {
  const [port, httpPort] = [await freePort(), await freePort()]
  const own = Object.entries(program.env).filter(([name]) => !/__(MIGRATOR|SEALER)_/.test(name))
  const child = spawn(process.execPath, ['--import', OUTBOUND_OFF, ...program.args, 'serve'], {
    env: {
      ...Object.fromEntries(own),
      ...allowedStores(stores),
      SURETY_EDGE__PORT: String(port),
      SURETY_EDGE__HTTP_PORT: String(httpPort),
      LOG_LEVEL: 'silent',
    },
    // The channel ends it when this process ends, however that happens.
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  const errors = text(child.stderr as NonNullable<typeof child.stderr>)
  const exited = once(child, 'exit')
  const ask =
    (host: string): Ask =>
    (path) =>
      edge.request({ host, path, port })
  const stop = async () => {
    child.kill('SIGKILL')
    await exited
  }
  try {
    for (const deadline = performance.now() + START_MS; ; await sleep(50)) {
      const ready = await ask(edge.trustHost)('/readyz').catch(() => undefined)
      if (ready?.status === 200) return { ask, stop }
      if (child.exitCode !== null) throw new Error(`It did not start: ${(await errors).slice(0, 300)}`)
      if (performance.now() > deadline) throw new Error(`It was not ready within ${START_MS} ms.`)
    }
  } catch (error) {
    if (child.exitCode === null) await stop()
    throw error
  }
}

/** What came of a process's attempt to reach a listener on this machine. */
export type Attempt = 'reached' | 'refused'

/** Lets a process like the booted one try to send something out, and a process without the guard try the same. */
export async function tryOutbound(stores: Stores): Promise<{ guarded: Attempt; bare: Attempt }> {
  let reached = 0
  const listener = createServer((socket) => {
    reached++
    socket.destroy()
  }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as { port: number }
  const source = `await fetch('http://127.0.0.1:${port}').catch(() => {})`
  const attempt = async (args: string[]): Promise<Attempt> => {
    const before = reached
    const child = spawn(process.execPath, [...args, '--input-type=module', '-e', source], {
      env: { PATH: process.env.PATH, ...allowedStores(stores) },
      stdio: 'ignore',
    })
    await once(child, 'exit')
    return reached > before ? 'reached' : 'refused'
  }
  try {
    return { guarded: await attempt(['--import', OUTBOUND_OFF]), bare: await attempt([]) }
  } finally {
    listener.close()
  }
}

function allowedStores({ address, redisAddress }: Stores): Record<string, string> {
  const targets = [
    ...(String(address.host).startsWith('/') ? [] : [`${address.host}:${address.port}`]),
    ...(redisAddress.path ? [] : [`${redisAddress.host}:${redisAddress.port}`]),
  ]
  return { SURETY_DRILL_STORES: targets.join(',') }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
