import { type ClientHttp2Session, connect as connectHttp2, type IncomingHttpHeaders } from 'node:http2'
import type { Duplex } from 'node:stream'

/** Opens a TLS connection that speaks `h2` to `host:port`, on behalf of a tenant. */
export type Connect = (tenantId: string, target: string, purpose: string) => Promise<Duplex>

export interface Http2Answer {
  status: number
  headers: IncomingHttpHeaders
  body: string
}

export interface Http2Request {
  path: string
  purpose: string
  headers: Record<string, string>
  body: string
}

/** HTTP/2 (RFC 9113) to push services: a connection for each tenant and service, never one for two tenants. */
export interface Http2Client {
  /** Rejects when the server is away or does not answer in time. */
  post(tenantId: string, target: string, request: Http2Request): Promise<Http2Answer>
  close(): void
}

/** Milliseconds for an answer; and unused, until a connection is closed. */
const TIMEOUT = 10_000
const IDLE = 60_000

export function openHttp2(connect: Connect): Http2Client {
  const sessions = new Map<string, Promise<ClientHttp2Session>>()

  function sessionTo(tenantId: string, target: string, purpose: string): Promise<ClientHttp2Session> {
    const key = `${tenantId} ${target}`
    const known = sessions.get(key)
    if (known) return known
    const session = open(tenantId, target, purpose, () => {
      if (sessions.get(key) === session) sessions.delete(key)
    })
    sessions.set(key, session)
    session.catch(() => sessions.delete(key))
    return session
  }

  async function open(tenantId: string, target: string, purpose: string, onEnd: () => void) {
    const socket = await connect(tenantId, target, purpose)
    const session = connectHttp2(`https://${target}`, { createConnection: () => socket })
    session.setTimeout(IDLE, () => session.close())
    for (const event of ['close', 'goaway', 'error'] as const) session.on(event, onEnd)
    session.unref()
    return session
  }

  return {
    async post(tenantId, target, request) {
      return ask(await sessionTo(tenantId, target, request.purpose), request)
    },
    close() {
      for (const session of sessions.values()) session.then((one) => one.destroy()).catch(() => undefined)
      sessions.clear()
    },
  }
}

function ask(session: ClientHttp2Session, { path, headers, body }: Http2Request): Promise<Http2Answer> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':method': 'POST', ':path': path, ...headers })
    const chunks: Buffer[] = []
    let answer: Pick<Http2Answer, 'status' | 'headers'> = { status: 0, headers: {} }
    stream.setTimeout(TIMEOUT, () => stream.destroy(new Error(`no answer within ${TIMEOUT} ms`)))
    stream.on('response', (given) => {
      answer = { status: given[':status'] ?? 0, headers: given }
    })
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('error', reject)
    stream.on('end', () => {
      // A connection that breaks ends its streams too, before they were answered.
      if (answer.status > 0) resolve({ ...answer, body: Buffer.concat(chunks).toString() })
    })
    stream.on('close', () => reject(new Error('the connection ended before the answer')))
    stream.end(body)
  })
}
