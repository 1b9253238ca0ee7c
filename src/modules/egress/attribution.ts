import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { type Decision, UNNAMED } from './decide.ts'
import { isPublic } from './networks.ts'
import { isRegistered, pinsOf, type Register } from './register.ts'

const ours = new WeakSet<Socket>()

/** Says that the client opened `socket`, after a decision. */
export function claim(socket: Socket): Socket {
  ours.add(socket)
  return socket
}

/** Node tells of each TCP connection of this process there: of net, tls, http, http2, fetch and WebSocket alike. */
const CHANNEL = 'net.client.socket'

/**
 * Records connections of this process that the client did not open, to an `outside` address. It sees no child process and
 * no UDP: those are held by the kernel (deploy/egress). Returns what ends it.
 */
export function watchSockets(
  register: Register,
  record: (decision: Decision) => void,
  outside: (address: string) => boolean = isElsewhere,
): () => void {
  const onSocket = (message: unknown) => {
    const { socket } = message as { socket: Socket }
    let name: string | undefined
    socket.once('lookup', (_error, _address, _family, host) => {
      name = host
    })
    socket.once('connect', () => {
      const { remoteAddress: address, remotePort: port } = socket
      if (ours.has(socket) || !address || !port || !outside(address)) return
      record(judge(register, { host: name ?? address, port, address }))
    })
  }
  subscribe(CHANNEL, onSocket)
  return () => void unsubscribe(CHANNEL, onSocket)
}

/** Registered hosts may be reached past the client, by protocols that it does not speak; those with keys may not. */
function judge(register: Register, to: { host: string; port: number; address: string }): Decision {
  const { host, port, address } = to
  const decided = { caller: UNNAMED, host, port, addresses: [address] }
  return isRegistered(register, host, port) && pinsOf(register, host).length === 0
    ? { ...decided, verdict: 'allowed', reason: 'registered' }
    : { ...decided, verdict: 'reported', reason: 'past-the-client' }
}

/** Somebody's on the internet, and not this machine's own. */
function isElsewhere(address: string): boolean {
  if (!isPublic(address)) return false
  const own = Object.values(networkInterfaces()).flatMap((all) => all ?? [])
  return !own.some((one) => one.address === address)
}
