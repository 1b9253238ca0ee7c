// Preloaded into the process that a drill boots on restored data (`node --import`): what it would send out must not
// leave. Every connection but to the stores is refused, whoever opens it: fetch, undici, http and tls all end in
// net.Socket.connect. UNIX sockets stay open; connections that come in are not touched.
import dgram from 'node:dgram'
import dns from 'node:dns'
import net from 'node:net'

/** `host:port` of the stores, comma-separated. */
const allowed = new Set((process.env.SURETY_DRILL_STORES ?? '').split(','))

interface Target {
  path?: string
  host?: string
  port?: number | string
}

const connect = net.Socket.prototype.connect as (...args: unknown[]) => net.Socket

net.Socket.prototype.connect = function (this: net.Socket, ...args: unknown[]): net.Socket {
  const { path, host = 'localhost', port } = targetOf(args)
  if (path !== undefined || allowed.has(`${host}:${port}`)) return connect.apply(this, args)
  process.nextTick(() => this.destroy(refusal(`${host}:${port}`)))
  return this
}

dgram.Socket.prototype.send = () => {
  throw refusal('a datagram')
}
dns.resolve = Object.assign(() => {
  throw refusal('a name to resolve')
}, dns.resolve)

function targetOf(args: unknown[]): Target {
  // net.connect hands on its arguments as one list.
  const [first, second] = Array.isArray(args[0]) ? (args[0] as unknown[]) : args
  if (typeof first === 'object' && first !== null) return first as Target
  if (typeof first === 'string' && Number.isNaN(Number(first))) return { path: first }
  return { port: first as number, host: typeof second === 'string' ? second : undefined }
}

function refusal(what: string): Error {
  return Object.assign(new Error(`A drill sends nothing out: ${what} was refused.`), { code: 'EDRILL' })
}
