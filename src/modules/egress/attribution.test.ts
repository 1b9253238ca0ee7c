import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, get } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { type AddressInfo, connect } from 'node:net'
import { after, before, it } from 'node:test'
import { claim, watchSockets } from './attribution.ts'
import type { Decision } from './decide.ts'

const server = createServer((_request, response) => response.end('ok'))
let port: number
before(async () => {
  server.listen(0)
  await once(server, 'listening')
  port = (server.address() as AddressInfo).port
})
after(() => {
  server.closeAllConnections()
  server.close()
})

const registered = (pins?: string[]) => [
  {
    name: 'Peer',
    purpose: 'test',
    country: 'DE',
    hosts: ['localhost'],
    port,
    modules: ['test'],
    ...(pins ? { pins: { pins, until: '2099-01-01' } } : {}),
  },
]

async function seenDuring(
  work: () => Promise<unknown>,
  register = registered(),
  outside: ((address: string) => boolean)[] = [() => true],
) {
  const seen: Decision[] = []
  const stop = watchSockets(register, (decision) => seen.push(decision), ...outside)
  await work()
  stop()
  return seen.map(({ host, reason }) => `${host} ${reason}`)
}

const ways: Record<string, (host: string) => Promise<unknown>> = {
  net: async (host) => {
    const socket = connect(port, host)
    await once(socket, 'connect')
    socket.destroy()
  },
  http: async (host) => {
    const [answer] = await once(get({ host, port, agent: false }), 'response')
    answer.resume()
  },
  fetch: async (host) =>
    (await fetch(`http://${host}:${port}/`, { headers: { connection: 'close' } })).text(),
  http2: async (host) => {
    const session = connectHttp2(`http://${host}:${port}`)
    session.on('error', () => undefined)
    await once(session, 'connect')
    session.destroy()
  },
  WebSocket: async (host) => {
    const socket = new WebSocket(`ws://${host}:${port}/`)
    await once(socket, 'error')
  },
}

for (const [way, go] of Object.entries(ways))
  it(`sees a connection by ${way}`, async () => {
    assert.deepEqual(await seenDuring(() => go('127.0.0.1')), ['127.0.0.1 past-the-client'])
  })

it('knows the name, and that it is registered, unless keys were agreed', async () => {
  const go = () => (ways.http as (host: string) => Promise<unknown>)('localhost')
  assert.deepEqual(await seenDuring(go), ['localhost registered'])
  assert.deepEqual(await seenDuring(go, registered(['a', 'b'])), ['localhost past-the-client'])
})

it('says nothing of what the client opened, nor of what is inside', async () => {
  const claimed = async () => {
    const socket = claim(connect(port, '127.0.0.1'))
    await once(socket, 'connect')
    socket.destroy()
  }
  assert.deepEqual(await seenDuring(claimed), [])
  assert.deepEqual(
    await seenDuring(() => (ways.net as (host: string) => Promise<unknown>)('127.0.0.1'), [], []),
    [],
  )
})
