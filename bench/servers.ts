import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { Pool } from 'undici'
import type { Print } from './compare.ts'
import type { Contender } from './identity.server.ts'

const SERVER = join(import.meta.dirname, 'identity.server.ts')
export const CLIENTS = 16

/** A contender's process. */
export interface Server extends Contender {
  /** Milliseconds of CPU that it used so far. */
  cpu(): Promise<number>
  end(): void
}

/** Starts one of identity.server.ts; `shared` is what it needs of others. */
export async function start(kind: string, shared?: unknown): Promise<Server> {
  const child = fork(SERVER, [kind, ...(shared ? [JSON.stringify(shared)] : [])])
  const [ready] = (await once(child, 'message')) as [Contender]
  return {
    ...ready,
    end: () => child.disconnect(),
    async cpu() {
      child.send('cpu')
      return (await once(child, 'message'))[0] as number
    },
  }
}

export type Ask = () => Promise<void>

/** Other work on the machine makes requests slower, but takes none of a process's own time. */
async function cpuOf(server: Server, ask: Ask): Promise<number> {
  const requests = 3_200
  const before = await server.cpu()
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      for (let i = 0; i < requests / CLIENTS; i++) await ask()
    }),
  )
  return ((await server.cpu()) - before) / requests
}

export const poolOf = ({ port, host }: Contender, connections = CLIENTS) =>
  new Pool(`https://127.0.0.1:${port}`, {
    connections,
    connect: { rejectUnauthorized: false, servername: host },
  })

/** Sends the contender's request once; throws when it is not answered 200. */
export function asker(to: Contender, asked: unknown): Ask {
  const pool = poolOf(to)
  const host = `${to.host}:${to.port}`
  const headers = { host, origin: `https://${host}`, 'content-type': 'application/json', ...to.headers }
  const body = JSON.stringify(asked)
  return async () => {
    const answer = await pool.request({ method: 'POST', path: '/api/v1/items', headers, body })
    const text = await answer.body.text()
    if (answer.statusCode !== 200) throw new Error(`${answer.statusCode}: ${text}`)
  }
}

export async function printCpu(
  print: Print,
  servers: Readonly<Record<string, Server>>,
  askers: Readonly<Record<string, Ask>>,
): Promise<void> {
  print("  the server's own CPU, ms a request:")
  for (const [name, server] of Object.entries(servers))
    print(`  ${name.padEnd(34)}${(await cpuOf(server, askers[name] as Ask)).toFixed(3).padStart(9)}`)
}
