// Tries to get out as the JSON in its argument says, and prints what became of it.
import { execFileSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { request } from 'node:http'
import { connect, isIPv6 } from 'node:net'

/** Where to try to get. */
export interface Plan {
  /** Connected to and sent a datagram, at `port`. */
  addresses: string[]
  port: number
  /** `host:port`, asked of the egress proxy at `socket`. */
  targets: string[]
  socket: string
  /** Whose uid to take on first. */
  user?: number
  /** Let a child of this process try too. */
  child?: boolean
}

/** What became of each; a datagram that was handed to the kernel is `sent`. */
export interface WayOut {
  tcp: string[]
  udp: string[]
  /** The proxy's status, and what the server answered when there is a tunnel. */
  proxy: string[]
}

const plan = JSON.parse(process.argv[2] ?? '') as Plan
if (plan.user) process.setuid?.(plan.user)
const tried = [await attempt(plan), ...(plan.child ? child({ ...plan, child: false }) : [])]
console.log(JSON.stringify(tried))

function child(plan: Plan): WayOut[] {
  const args = [import.meta.filename, JSON.stringify(plan)]
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }))
}

async function attempt({ addresses, port, targets, socket }: Plan): Promise<WayOut> {
  const all = (of: string[], one: (item: string) => Promise<string>) => Promise.all(of.map(one))
  return {
    tcp: await all(addresses, (address) => tcp(address, port)),
    udp: await all(addresses, (address) => udp(address, port)),
    proxy: await all(targets, (target) => throughProxy(socket, target)),
  }
}

function tcp(host: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'))
    socket.once('data', (data) => resolve(socket.destroy() && String(data)))
  })
}

function udp(address: string, port: number): Promise<string> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
  return new Promise((resolve) => {
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'))
    socket.send('out', port, address, (error) => {
      resolve((error as NodeJS.ErrnoException | null)?.code ?? 'sent')
      socket.close()
    })
  })
}

function throughProxy(socketPath: string, target: string): Promise<string> {
  return new Promise((resolve) => {
    const asked = request({
      socketPath,
      method: 'CONNECT',
      path: target,
      headers: { host: target },
      agent: false,
    })
    asked.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'))
    asked.once('connect', ({ statusCode }, socket, head) => {
      socket.unshift(head)
      if (statusCode !== 200) return resolve(socket.destroy() && String(statusCode))
      socket.once('data', (data) => resolve(socket.destroy() && `200 ${data}`))
    })
    asked.end()
  })
}
