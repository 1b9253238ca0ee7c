import { readFileSync } from 'node:fs'
import { request as plainRequest } from 'node:http'
import { Agent, type RequestOptions, request as tlsRequest } from 'node:https'
import { buffer } from 'node:stream/consumers'
import { createSecureContext, type SecureContext } from 'node:tls'

/** One request to this deployment's own front door. */
export interface EdgeRequest {
  /** The Host header and, unless `serverName` says otherwise, the TLS server name. */
  host: string
  path: string
  method?: string
  headers?: Record<string, string>
  /** Name and value in turns, exactly as sent, instead of `host` and `headers`. */
  rawHeaders?: string[]
  serverName?: string
  /** The address that limits count it for; without one it is not counted (except with `rawHeaders`). */
  from?: string
  body?: string | Buffer
  /** Over plain HTTP, which only redirects. */
  plain?: boolean
  /** Takes any certificate: for names that we own none for, and that must be refused. */
  insecure?: boolean
  /** Of another process of this deployment than the one behind the front door. */
  port?: number
  /** By a connection that stays open for the next one to the same name, as browsers do; for very many requests. */
  kept?: boolean
}

export interface EdgeAnswer {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: string
  /** The body as it came. */
  bytes: Buffer
}

/** Milliseconds after which a front door that does not answer is an error. */
const TIMEOUT = 10_000

/** Each request has a connection of its own, but a handshake takes up the TLS session of an earlier one. */
const single = new Agent({ keepAlive: false })
const keeping = new Agent({ keepAlive: true })

/** Reading an authority's certificates takes as long as the rest of a request. */
const contexts = new Map<string, SecureContext>()

function contextOf(authorityFile: string | undefined): SecureContext | undefined {
  if (!authorityFile) return undefined
  const ca = readFileSync(authorityFile, 'utf8')
  const known = contexts.get(ca)
  if (known) return known
  const context = createSecureContext({ ca })
  contexts.clear()
  contexts.set(ca, context)
  return context
}

/** Sends one request, over a connection of its own unless `kept`, and reads the whole answer. */
export async function requestEdge(
  door: { bind: string; port: number; httpPort: number; authorityFile: string | undefined },
  {
    host,
    path,
    method = 'GET',
    headers,
    rawHeaders,
    serverName = host,
    body,
    plain = false,
    port,
    insecure = false,
    kept = false,
  }: EdgeRequest,
): Promise<EdgeAnswer> {
  const common = {
    host: door.bind,
    path,
    method,
    headers: rawHeaders ?? { host, ...lengthOf(body), ...headers },
    signal: AbortSignal.timeout(TIMEOUT),
  } as const
  const { promise, resolve, reject } = Promise.withResolvers<EdgeAnswer>()
  const sent = plain
    ? plainRequest({ ...common, agent: false, port: port ?? door.httpPort })
    : tlsRequest({
        ...common,
        agent: kept ? keeping : single,
        port: port ?? door.port,
        servername: serverName,
        rejectUnauthorized: !insecure,
        secureContext: contextOf(door.authorityFile),
      } as RequestOptions)
  sent.once('error', reject)
  sent.once('response', (answer) => {
    buffer(answer).then((bytes) => {
      const body = bytes.toString()
      resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body, bytes })
    }, reject)
  })
  sent.end(body)
  return promise
}

/** Said outright: Node adds it for the usual methods alone, and a DELETE may have a body. */
function lengthOf(body: string | Buffer | undefined): Record<string, string> {
  return body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
}
