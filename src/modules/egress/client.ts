import type { Socket } from 'node:net'
import { checkServerIdentity, type PeerCertificate, type TLSSocket } from 'node:tls'
import { Agent, fetch, Headers, type RequestInit, type Response } from 'undici'
import { type Span, traced, traceparentTo } from '../../kernel/trace.ts'
import { callSpan } from './callSpan.ts'
import { handshake, refusal, throughProxy } from './connections.ts'
import { type Decision, type Gate, type Rules, UNNAMED } from './decide.ts'
import type { DecisionLog } from './decisionLog.ts'
import type { Pinning } from './pins.ts'
import { connectToOne } from './proxy.ts'

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
  /**
   * A connection in the clear, for protocols that turn to TLS later (STARTTLS). Whoever opens it must hand
   * `checkServerIdentity` to `tls.connect`, and no session.
   */
  tunnel(caller: Caller, target: string): Promise<Socket>
  /** Checks the name and, where keys were agreed, the keys; as the option of `tls.connect`. */
  checkServerIdentity(host: string, shown: PeerCertificate): Error | undefined
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
      const target = `${hostname}:${port || 443}`
      return traced(
        () => callSpan(caller, init.method ?? 'GET', target),
        async (span) => {
          if (protocol !== 'https:') throw refusal(url, 'only HTTPS leads out')
          admit(parts, target, caller)
          const answer = await send(url, { ...tracedInit(init, hostname), dispatcher: agentOf(caller) })
          tellStatus(span, answer.status)
          return answer
        },
      )
    },
    connect: (caller, target, alpn) =>
      traced(
        () => callSpan(caller, 'connect', target),
        async () => {
          admit(parts, target, caller)
          return open(parts, caller, target, alpn)
        },
      ),
    tunnel: (caller, target) =>
      traced(
        () => callSpan(caller, 'connect', target),
        async () => {
          admit(parts, target, caller)
          return reach(parts, caller, target)
        },
      ),
    checkServerIdentity: (host, shown) => checkServerIdentity(host, shown) ?? unpinned(parts, host, shown),
    async close() {
      await Promise.all([...agents.values()].map((agent) => agent.close()))
    },
  }
}

async function send(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, redirect: 'manual' })
  } catch (error) {
    throw (error as Error).cause ?? error // undici says "fetch failed" and keeps the reason
  }
}

/** Others learn which trace a call belongs to only where the settings say so. */
function tracedInit(init: RequestInit, host: string): RequestInit {
  const traceparent = traceparentTo(host)
  if (!traceparent) return init
  const headers = new Headers(init.headers)
  headers.set('traceparent', traceparent)
  return { ...init, headers }
}

function tellStatus(span: Span | undefined, status: number): void {
  span?.set({ 'http.response.status_code': status })
  if (status >= 400) span?.fail(String(status))
}

/** Every call is decided and written down, also one that finds an open connection. */
function admit({ gate, record }: ClientParts, target: string, caller: Caller): void {
  const decision = gate.admit(target, nameOf(caller))
  record(decision)
  if (decision.verdict === 'refused') throw refusal(target, decision.reason)
}

function unpinned(parts: ClientParts, host: string, shown: PeerCertificate): Error | undefined {
  const pins = parts.pinsOf(host)
  try {
    if (pins.length > 0) parts.pinning.judge(host, shown, pins)
    return undefined
  } catch (error) {
    return error as Error
  }
}

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
  const socket = await reach(parts, caller, target)
  const host = target.slice(0, target.lastIndexOf(':'))
  const secure = await handshake(socket, host, alpn, parts.ca)
  const pins = parts.pinsOf(host)
  try {
    if (pins.length > 0) parts.pinning.judge(host, secure.getPeerCertificate(true), pins)
    return secure
  } catch (error) {
    secure.destroy()
    throw error
  }
}

const reach = (parts: ClientParts, caller: Caller, target: string): Promise<Socket> =>
  parts.socket ? throughProxy(parts.socket, target, nameOf(caller)) : straight(parts, target, nameOf(caller))

/** The name is looked up once, and what was judged is what is connected to. */
async function straight({ gate, record }: ClientParts, target: string, caller: string): Promise<Socket> {
  const decision = await gate.locate(target, caller)
  if (decision.verdict !== 'refused') return connectToOne(decision.addresses, decision.port)
  record(decision)
  throw refusal(target, decision.reason)
}
