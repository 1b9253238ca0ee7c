import { request } from 'node:http'
import type { Socket } from 'node:net'
import { type TLSSocket, connect as tlsConnect } from 'node:tls'
import { Agent, fetch, type RequestInit, type Response } from 'undici'
import { defineProblem, type Problem } from '../../kernel/problems.ts'
import { type Decision, type Gate, type Rules, UNNAMED } from './decide.ts'
import type { DecisionLog } from './decisionLog.ts'
import type { Pinning } from './pins.ts'
import { callerHeader, connectToOne } from './proxy.ts'

const noWay = defineProblem({ code: 'egress-refused', status: 502, title: 'This server may not be called' })

/** On whose behalf a call goes out. */
export interface Caller {
  /** Must be one that the register names for the host. */
  module: string
  /** The tenant's id. */
  tenant: string | null
  /** One word or several with dots or hyphens, such as `payment.create`. */
  purpose: string
}

/** Calls other people's servers. Both throw Problems `egress-refused` and `egress-pin` (502) before a byte is sent. */
export interface EgressClient {
  /** Like `fetch`, over HTTPS, to registered hosts alone. Redirects are handed back, since they may lead elsewhere. */
  fetch(caller: Caller, url: string, init?: RequestInit): Promise<Response>
  /** A TLS connection for other protocols, such as HTTP/2 (`alpn: ['h2']`). */
  connect(caller: Caller, target: string, alpn: readonly string[]): Promise<TLSSocket>
  close(): Promise<void>
}

export interface ClientParts {
  gate: Gate
  pinning: Pinning
  pinsOf(host: string): readonly string[]
  /** The proxy's UNIX socket; undefined: this process connects itself. */
  socket: string | undefined
  record(decision: Decision): void
  /** All authorities, instead of those that come with Node. */
  ca: readonly string[] | undefined
}

/** What the running client is made of. */
export type EgressParts = Omit<ClientParts, 'record'> & { rules: Rules; decisions: DecisionLog }

/** Milliseconds for the connection, and again for the handshake. */
const TIMEOUT = 10_000

/** Connections are pooled by module, so that none carries calls of two. */
export function openEgressClient(parts: ClientParts): EgressClient {
  const agents = new Map<string, Agent>()
  const agentOf = (caller: Caller): Agent => {
    const known = agents.get(caller.module)
    if (known) return known
    const agent = new Agent({ connect: connectorFor(parts, { ...caller, tenant: null, purpose: 'pool' }) })
    agents.set(caller.module, agent)
    return agent
  }
  return {
    async fetch(caller, url, init = {}) {
      const { protocol, hostname, port } = new URL(url)
      if (protocol !== 'https:') throw noWay('Only HTTPS leads out.')
      admit(parts, `${hostname}:${port || 443}`, caller)
      try {
        return await fetch(url, { ...init, redirect: 'manual', dispatcher: agentOf(caller) })
      } catch (error) {
        throw (error as Error).cause ?? error // undici says "fetch failed" and keeps the reason
      }
    },
    async connect(caller, target, alpn) {
      admit(parts, target, caller)
      return open(parts, caller, target, alpn)
    },
    async close() {
      await Promise.all([...agents.values()].map((agent) => agent.close()))
    },
  }
}

/** Every call is decided and written down, also one that finds an open connection. */
function admit({ gate, record }: ClientParts, target: string, caller: Caller): void {
  const decision = gate.admit(target, nameOf(caller))
  record(decision)
  if (decision.verdict === 'refused') throw refusal(target, decision.reason)
}

const refusal = (target: string, reason: string): Problem =>
  noWay(`${target} is refused: ${reason}.`, { extensions: { reason } })

const nameOf = ({ module, tenant, purpose }: Caller): string =>
  [module || UNNAMED, tenant ?? '-', purpose.replace(/[^\w.-]/g, '-')].join('/')

/**
 * Opens connections for undici. The handshake is always a full one (no session is kept or offered), because a resumed one
 * shows no certificate; undici writes its first byte only after the callback.
 */
function connectorFor(parts: ClientParts, caller: Caller): NonNullable<Agent.Options['connect']> {
  return ({ hostname, port }, done) => {
    open(parts, caller, `${hostname}:${port || 443}`, ['http/1.1']).then(
      (socket) => done(null, socket),
      (error: Error) => done(error, null),
    )
  }
}

async function open(
  parts: ClientParts,
  caller: Caller,
  target: string,
  alpn: readonly string[],
): Promise<TLSSocket> {
  const socket = parts.socket
    ? await throughProxy(parts.socket, target, nameOf(caller))
    : await straight(parts, target, nameOf(caller))
  const host = target.slice(0, target.lastIndexOf(':'))
  const secure = await handshake(socket, host, alpn, parts.ca)
  const pins = parts.pinsOf(host)
  try {
    if (pins.length > 0) parts.pinning.judge(host, secure, pins)
    return secure
  } catch (error) {
    secure.destroy()
    throw error
  }
}

/** The name is looked up once, and what was judged is what is connected to. */
async function straight({ gate, record }: ClientParts, target: string, caller: string): Promise<Socket> {
  const decision = await gate.locate(target, caller)
  if (decision.verdict !== 'refused') return connectToOne(decision.addresses, decision.port)
  record(decision)
  throw refusal(target, decision.reason)
}

function handshake(
  socket: Socket,
  servername: string,
  alpn: readonly string[],
  ca: readonly string[] | undefined,
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const secure = tlsConnect({
      socket,
      servername,
      minVersion: 'TLSv1.2',
      ALPNProtocols: [...alpn],
      ...(ca ? { ca: [...ca] } : {}),
    })
    secure.setTimeout(TIMEOUT, () => secure.destroy(new Error(`${servername} did not answer in time.`)))
    secure.once('error', reject)
    // The name and the chain were checked by then: rejectUnauthorized is on.
    secure.once('secureConnect', () => {
      secure.setTimeout(0).removeAllListeners('timeout').removeListener('error', reject)
      resolve(secure)
    })
  })
}

/** A connection to `target` that the proxy at `socketPath` opened. */
export function throughProxy(socketPath: string, target: string, caller: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const asked = request({
      socketPath,
      method: 'CONNECT',
      path: target,
      agent: false,
      headers: { host: target, 'proxy-authorization': callerHeader(caller) },
      timeout: 2 * TIMEOUT,
    })
    asked.once('timeout', () => asked.destroy(new Error('The egress proxy did not answer in time.')))
    asked.once('error', reject)
    asked.once('connect', ({ statusCode, headers }, socket, head) => {
      if (head.length > 0) socket.unshift(head)
      if (statusCode === 200) return resolve(socket.setTimeout(0))
      socket.destroy()
      reject(refusal(target, String(headers['x-surety-reason'] ?? statusCode)))
    })
    asked.end()
  })
}
