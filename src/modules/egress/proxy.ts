import { createServer, type IncomingMessage, type Server } from 'node:http'
import { connect, type Socket } from 'node:net'
import { claim } from './attribution.ts'
import { type Decision, UNNAMED } from './decide.ts'

/** Milliseconds that a server may take to answer the connection. */
const CONNECT_TIMEOUT = 10_000

const CALLER = /^[\w.-]+(\/[\w.-]+){0,2}$/

/**
 * The only way out: a CONNECT proxy (RFC 9110 §9.3.6) that connects where `locate` says and nowhere else. Every decision
 * is given to `record` before a byte goes out.
 */
export function createEgressProxy(
  locate: (target: string, caller: string) => Promise<Decision>,
  record: (decision: Decision) => void,
): Server {
  const server = createServer((_request, response) => {
    response.writeHead(405, { allow: 'CONNECT', connection: 'close' }).end('Only CONNECT leads out.\n')
  })
  server.on('connect', (request, client: Socket, head) => {
    client.on('error', () => client.destroy())
    tunnel(request.url ?? '', callerOf(request), client, head).catch(() => answer(client, '502 Bad Gateway'))
  })
  async function tunnel(target: string, caller: string, client: Socket, head: Buffer): Promise<void> {
    const decision = await locate(target, caller)
    record(decision)
    if (decision.verdict === 'refused') return answer(client, '403 Forbidden', decision.reason)
    const upstream = await connectToOne(decision.addresses, decision.port)
    upstream.on('error', () => client.destroy())
    if (client.destroyed) return void upstream.destroy()
    client.once('close', () => upstream.destroy())
    upstream.once('close', () => client.destroy())
    client.write('HTTP/1.1 200 Connection Established\r\n\r\n')
    if (head.length > 0) upstream.write(head)
    upstream.pipe(client)
    client.pipe(upstream)
  }
  return server
}

/** Credentials of a proxy whose user is the caller, `module/tenant/purpose`: they are written down and grant nothing. */
export const callerHeader = (caller: string): string =>
  `Basic ${Buffer.from(`${encodeURIComponent(caller)}:`).toString('base64')}`

function callerOf({ headers }: IncomingMessage): string {
  const [, encoded = ''] = /^Basic ([\w+/=]+)$/i.exec(headers['proxy-authorization'] ?? '') ?? []
  const [user = ''] = Buffer.from(encoded, 'base64').toString().split(':')
  try {
    const caller = decodeURIComponent(user)
    return caller.length <= 200 && CALLER.test(caller) ? caller : UNNAMED
  } catch {
    return UNNAMED
  }
}

function answer(client: Socket, status: string, reason = 'no-connection'): void {
  if (client.destroyed) return
  client.end(
    `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\nx-surety-reason: ${reason}\r\n\r\n`,
  )
}

/** The first of `addresses` that takes the connection. Never a name: what was checked is what is reached. */
export async function connectToOne(addresses: readonly string[], port: number): Promise<Socket> {
  let last: unknown
  for (const host of addresses) {
    try {
      return await connected(host, port)
    } catch (error) {
      last = error
    }
  }
  throw last
}

function connected(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = claim(connect({ host, port, timeout: CONNECT_TIMEOUT }))
    socket.once('error', reject)
    socket.once('timeout', () => socket.destroy(new Error('No answer.')))
    socket.once('connect', () => {
      socket.off('error', reject)
      socket.removeAllListeners('timeout').setTimeout(0)
      resolve(socket)
    })
  })
}
