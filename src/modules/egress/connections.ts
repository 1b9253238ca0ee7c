import { request } from 'node:http'
import type { Socket } from 'node:net'
import { type TLSSocket, connect as tlsConnect } from 'node:tls'
import { defineProblem, type Problem } from '../../kernel/problems.ts'
import { callerHeader } from './proxy.ts'

const noWay = defineProblem({ code: 'egress-refused', status: 502, title: 'This server may not be called' })

/** `reason` is also a public member. */
export const refusal = (target: string, reason: string): Problem =>
  noWay(`${target} is refused: ${reason}.`, { extensions: { reason } })

/** Milliseconds for the connection, and again for the handshake. */
const TIMEOUT = 10_000

/** Full TLS on `socket`: the name and the chain are checked when this resolves. */
export function handshake(
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
