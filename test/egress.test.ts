import assert from 'node:assert/strict'
import { execFile, execFileSync, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { until } from './support/holder.ts'
import type { Plan, WayOut } from './support/wayOut.ts'

const run = promisify(execFile)
const main = join(import.meta.dirname, '../src/cli/main.ts')
const wayOut = join(import.meta.dirname, 'support/wayOut.ts')
const LOOPBACK = ['127.0.0.1', '::1']
const GREETING = 'hello from outside'

describe('surety egress', { skip: whyNot('unshare', '--net', 'true') }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'surety-way-out-'))
  const socket = join(folder, 'egress.sock')
  const servers: Server[] = []
  const datagrams: string[] = []
  const receivers = [createSocket('udp4'), createSocket('udp6')]
  let port: number
  let proxy: ReturnType<typeof spawn>

  before(async () => {
    for (const address of LOOPBACK) servers.push(await greeter(address, servers[0]))
    port = portOf(servers[0] as Server)
    for (const [index, receiver] of receivers.entries()) {
      receiver.on('message', (text) => datagrams.push(String(text)))
      receiver.bind(port, LOOPBACK[index])
      await once(receiver, 'listening')
    }
    proxy = startProxy(folder, socket, port)
    await until(() => existsSync(socket))
  })
  after(async () => {
    proxy?.kill()
    for (const server of servers) server.close()
    for (const receiver of receivers) receiver.close()
    rmSync(folder, { recursive: true })
  })

  const plan = (): Plan => ({
    addresses: LOOPBACK,
    port,
    targets: [`localhost:${port}`, 'other.example:443', '198.41.0.4:443', '[2001:503:ba3e::2:30]:443'],
    socket,
  })

  it('is the only way out of a network namespace, also for a child and for UDP', async () => {
    const outside = await attempt(plan(), [])
    await until(() => datagrams.length === 4)
    const proxied = [`200 ${GREETING}`, '403', '403', '403']
    const free = { tcp: [GREETING, GREETING], udp: ['sent', 'sent'], proxy: proxied }
    assert.deepEqual(
      outside,
      { self: free, child: free },
      'where there is no namespace, everything is reached',
    )
    const inside = await attempt(plan(), ['unshare', '--net'])
    const shut = {
      tcp: ['ENETUNREACH', 'EADDRNOTAVAIL'],
      udp: ['ENETUNREACH', 'EADDRNOTAVAIL'],
      proxy: proxied,
    }
    assert.deepEqual(inside, { self: shut, child: shut })
    assert.equal(datagrams.length, 4)
  })

  it('has written each refusal down, by name and by address', () => {
    const decisions = join(folder, 'files/egress')
    const lines = readdirSync(decisions).flatMap((name) =>
      readFileSync(join(decisions, name), 'utf8').trim().split('\n'),
    )
    const refused = lines.map((line) => JSON.parse(line)).filter(({ verdict }) => verdict === 'refused')
    assert.deepEqual([...new Set(refused.map(({ host, reason }) => `${host} ${reason}`))].sort(), [
      '198.41.0.4 not-registered',
      '2001:503:ba3e::2:30 not-registered',
      'other.example not-registered',
    ])
  })

  it('takes the place of one that was killed', async () => {
    proxy.kill('SIGKILL')
    await once(proxy, 'exit')
    const left = statSync(socket).ino
    proxy = startProxy(folder, socket, port)
    await until(() => statSync(socket).ino !== left)
    assert.equal((await attempt(plan(), [])).self.proxy[0], `200 ${GREETING}`)
  })
})

describe('deploy/egress/surety.nft', {
  skip: whyNot('unshare', '--net', 'sh', '-c', 'ip link && nft list ruleset'),
}, () => {
  const [app, wayOutUser] = [65_534, 65_533]

  it('holds the user of the processes back, also for UDP, and nobody else', async () => {
    const rules = join(import.meta.dirname, '../deploy/egress/surety.nft')
    const load = `nft -D app=${app} -D way_out=${wayOutUser} -f '${rules}'`
    // A network of its own that has two addresses of the internet in it. Rules can be loaded twice.
    const script = `ip link set lo up && ip address add 198.41.0.4/32 dev lo && ip address add 10.1.2.3/32 dev lo &&
      ip address add 2001:503:ba3e::2:30/128 dev lo nodad && ${load} && ${load} && exec "$@"`
    const addresses = ['198.41.0.4', '2001:503:ba3e::2:30', '10.1.2.3']
    const plans = [0, app, wayOutUser].map((user) =>
      JSON.stringify({ addresses, port: 443, targets: [], socket: '', user } satisfies Plan),
    )
    const outside = join(import.meta.dirname, 'support/outside.ts')
    const inside = ['--net', 'sh', '-c', script, 'sh', process.execPath, outside, ...plans]
    const [others, held, proxy] = JSON.parse((await run('unshare', inside)).stdout) as WayOut[]
    assert.deepEqual(others, { tcp: Array(3).fill('outside'), udp: Array(3).fill('sent'), proxy: [] })
    assert.deepEqual(held?.tcp, ['EHOSTUNREACH', 'EACCES', 'EHOSTUNREACH'])
    assert.deepEqual(held?.udp, Array(3).fill('EPERM'))
    assert.deepEqual(
      proxy?.tcp,
      ['outside', 'outside', 'EHOSTUNREACH'],
      'the proxy, but for what lies inward',
    )
    assert.deepEqual(proxy?.udp, Array(3).fill('EPERM'))
  })
})

/** The reason for which `command` cannot be used here, or false. */
function whyNot(command: string, ...args: string[]): string | false {
  try {
    execFileSync(command, args, { stdio: 'pipe' })
    return false
  } catch {
    return `not permitted here: ${command} ${args.join(' ')}`
  }
}

function startProxy(folder: string, socket: string, port: number) {
  const register = [
    { name: 'Peer', purpose: 'test', country: 'DE', hosts: ['localhost'], port, modules: ['test'] },
  ]
  return spawn(process.execPath, [main, 'egress'], {
    stdio: 'inherit',
    env: {
      PATH: process.env.PATH,
      LOG_LEVEL: 'silent',
      SURETY_STORES__HOST: folder,
      SURETY_STORES__SECRETS: folder,
      SURETY_STORES__FILES: join(folder, 'files'),
      SURETY_STORES__APP_PASSWORD_FILE_NAME: join(folder, 'none'),
      SURETY_STORES__REDIS_SOCKET: join(folder, 'none'),
      SURETY_EGRESS__SOCKET: socket,
      SURETY_EGRESS__REGISTER: JSON.stringify(register),
      SURETY_EGRESS__ALLOWED_NETWORKS: '["127.0.0.0/8", "::1/128"]',
    },
  })
}

async function attempt(plan: Plan, within: string[]): Promise<{ self: WayOut; child: WayOut }> {
  const asked = JSON.stringify({ ...plan, child: true })
  const [command = '', ...args] = [...within, process.execPath, wayOut, asked]
  const [self, child] = JSON.parse((await run(command, args)).stdout)
  return { self, child }
}

/** Greets whoever connects; at the port of `like` when there is one. */
async function greeter(address: string, like?: Server): Promise<Server> {
  const server = createServer((socket) => socket.on('error', () => undefined).end(GREETING))
  server.listen(like ? portOf(like) : 0, address)
  await once(server, 'listening')
  return server
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port
