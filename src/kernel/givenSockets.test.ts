import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { get } from 'node:http'
import { BoundSocket } from 'node:net'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { givenSockets } from './givenSockets.ts'

const SOURCE = `
  import { createServer } from 'node:http'
  import { givenSockets } from ${JSON.stringify(new URL('./givenSockets.ts', import.meta.url).href)}
  for (const [at, fd] of givenSockets(process.env).entries())
    createServer((_request, response) => response.end(process.argv[1] + at)).listen({ fd })
  process.on('SIGTERM', () => process.exit())
  console.log('listens')`

test('sockets as systemd gives them are listened at', async (t) => {
  const door = bind(t)
  await listening(t, door, 'LISTEN_FDS=2 LISTEN_PID=$$', 'a')
  assert.equal(await ask(door.ports[0]), 'a0')
  assert.equal(await ask(door.ports[1]), 'a1')
})

test('a successor listens at the same sockets before the first ends, and nobody is refused', async (t) => {
  const door = bind(t)
  const first = await listening(t, door, 'SURETY_SOCKETS=3,4', 'a')
  const second = await listening(t, door, 'SURETY_SOCKETS=3,4', 'b')
  const gone = once(first, 'exit')
  for (let asked = 0; asked < 100; asked++) {
    if (asked === 20) first.kill('SIGTERM')
    assert.match(await ask(door.ports[0]), /^[ab]0$/)
  }
  await gone
  assert.equal(await ask(door.ports[0]), 'b0')
  assert.equal(second.exitCode, null)
})

test('sockets that were meant for another process are not taken', () => {
  assert.equal(givenSockets({ LISTEN_FDS: '2', LISTEN_PID: '1' }), undefined)
  assert.equal(givenSockets({}), undefined)
})

function bind(t: TestContext) {
  const sockets = [0, 1].map(() => new BoundSocket({ host: '127.0.0.1' }))
  t.after(() => {
    for (const socket of sockets) socket.close()
  })
  const [secure, plain] = sockets as [BoundSocket, BoundSocket]
  return { fds: [secure.fd(), plain.fd()], ports: [secure.address().port, plain.address().port] as const }
}

/** The sockets are descriptors 3 and 4, as sd_listen_fds(3) has it. */
async function listening(t: TestContext, { fds }: ReturnType<typeof bind>, variables: string, name: string) {
  const node = [process.execPath, '--input-type=module', '-e', SOURCE, name]
  const child = spawn('sh', ['-c', `export ${variables}; exec "$@"`, 'sh', ...node], {
    stdio: ['ignore', 'pipe', 'inherit', ...fds],
  })
  t.after(() => child.kill('SIGKILL'))
  await once(child.stdout as NonNullable<typeof child.stdout>, 'data')
  return child
}

async function ask(port: number): Promise<string> {
  const [answer] = await once(get({ host: '127.0.0.1', port, agent: false }), 'response')
  return text(answer)
}
