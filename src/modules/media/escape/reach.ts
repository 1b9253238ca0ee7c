import { createSocket } from 'node:dgram'
import { connect, type NetConnectOpts } from 'node:net'
import type { Aims, Ways } from './breakOut.ts'

/** Where nothing is in the way the answer comes at once, and where something is the refusal. */
const PATIENCE_MS = 2_000

/** Ways to servers of this machine, and to the server's process. */
export function waysToReach({ sockets, datagrams, server }: Aims): Ways {
  return {
    ...Object.fromEntries(Object.entries(sockets).map(([what, at]) => [what, () => reach(at)])),
    'a datagram to a server of this machine': () => send(datagrams),
    'a signal to the server': () => process.kill(server.pid, 0) && 'reached',
  }
}

function reach(at: NetConnectOpts): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...at, timeout: PATIENCE_MS })
    socket.once('connect', () => resolve('reached')).once('connect', () => socket.destroy())
    socket.once('timeout', () => socket.destroy(new Error('no answer'))).once('error', reject)
  })
}

function send(port: number): Promise<string> {
  const socket = createSocket('udp4')
  return new Promise<string>((resolve, reject) => {
    setTimeout(reject, PATIENCE_MS, new Error('no answer')).unref()
    socket.once('error', reject).once('message', () => resolve('reached'))
    socket.connect(port, '127.0.0.1', () => socket.send('hello'))
  }).finally(() => socket.close())
}
