import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { moduleArgs } from '../../../test/support/fast.ts'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { systemClock } from '../../kernel/clock.ts'
import { authorityFile, type EdgeApi, keepLocalAuthority, openLocalAuthority } from '../edge/index.ts'
import type { JobsApi } from '../jobs/index.ts'
import type { Tenant } from '../tenancy/index.ts'
import { openAccounts } from './accounts.ts'
import { billing } from './index.ts'
import { type MolliePeer, openMolliePeer } from './peer.ts'
import { WEBHOOK_PATH } from './routes.ts'

/** Steps that a run takes, others each time; SURETY_TEST_EVERY_STEP takes all of them. */
const STEPS = process.env.SURETY_TEST_EVERY_STEP ? Number.POSITIVE_INFINITY : 12
const KEY = 'test_AKeyThatOpensNothingAtAll'
const url = (file: string) => new URL(file, import.meta.url).href

/**
 * A process that answers HTTP and runs jobs. Whatever leaves it leaves by a socket: told `n`, it is killed right before
 * its n-th write since then, and says what that would have been.
 */
const CHILD = `
import { writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { systemClock } from '${url('../../kernel/clock.ts')}'
import { startModules } from '${url('../../kernel/module.ts')}'
import { loadSettings } from '${url('../../kernel/settings.ts')}'
import { billing } from '${url('./index.ts')}'
import { frontOf } from '${url('../../cli/serve.ts')}'
import { createServer } from '${url('../../http/server.ts')}'
import { createLog } from '${url('../../kernel/log.ts')}'
let writes = 0
let last = 0
const nameOf = (socket, text) => {
  if (socket instanceof TLSSocket) return 'https'
  if (text.startsWith('*')) return 'redis ' + (/:([a-zA-Z]+)-\\d+:/.exec(text)?.[1] ?? text.split('\\r\\n')[2])
  return 'postgres ' + (/(INSERT|UPDATE|SELECT|DELETE|BEGIN|COMMIT|ROLLBACK)[^\\0$(]{0,30}/.exec(text)?.[0] ?? '')
}
const whole = Socket.prototype._writeGeneric
Socket.prototype._writeGeneric = function (many, data, ...rest) {
  if (last && ++writes === last) {
    const text = (many ? Array.from(data, ({ chunk }) => String(chunk)).join('') : String(data))
    writeSync(1, nameOf(this, text).replaceAll('\\n', ' ') + '\\n')
    process.kill(process.pid, 'SIGKILL')
  }
  return whole.call(this, many, data, ...rest)
}
const log = createLog({ name: 'child', level: 'silent' })
const settings = loadSettings([billing], { environment: process.env })
const program = { args: [], env: {} }
const { started } = await startModules([billing], { settings, clock: systemClock, log, build: 'test', program })
const gives = (name) => started.find((module) => module.name === name).gives
const edge = gives('edge').api
const front = await frontOf(edge, gives('tenancy').api)
const ready = async () => true
const server = await createServer({ routes: gives('billing').routes, guards: [], front, ready, log, build: 'test' })
await server.listen(edge)
await gives('jobs').api.work()
process.on('message', (n) => {
  if (n === 'count') return process.send({ writes })
  writes = 0
  last = n
  process.send('armed')
})
process.on('disconnect', () => process.exit())
setTimeout(() => process.send('ready'), 400)
`

let platform: TestPlatform
let peer: MolliePeer
let jobs: JobsApi
before(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'crash-'))
  await keepLocalAuthority(folder)
  peer = await openMolliePeer({
    key: KEY,
    leaf: await openLocalAuthority(folder).certificateFor('localhost'),
  })
  platform = await testPlatform([billing], {
    billing: {
      key: KEY,
      apiUrl: `https://localhost:${peer.port}`,
      lease: '500ms',
      sweepEvery: '200ms',
      sweepAfter: '300ms',
    },
    jobs: { takeOver: '900ms', firstDelay: '50ms', prefix: `t${randomBytes(4).toString('hex')}` },
    egress: {
      register: [
        {
          name: 'Mollie',
          purpose: 'payments',
          country: 'NL',
          hosts: ['localhost'],
          port: peer.port,
          modules: ['billing'],
        },
      ],
      allowedNetworks: ['127.0.0.0/8', '::1/128'],
      caFileName: authorityFile(folder),
    },
  })
  jobs = platform.api('jobs') as JobsApi
  await platform.serve()
})
after(async () => {
  await platform?.stop()
  await peer?.close()
})

interface Child {
  process: ChildProcess
  port: number
  said: string[]
}

async function startChild(): Promise<Child> {
  const [port, httpPort] = [await freePort(), await freePort()]
  const child = spawn(process.execPath, moduleArgs(CHILD), {
    env: {
      ...platform.env,
      SURETY_EDGE__PORT: String(port),
      SURETY_EDGE__HTTP_PORT: String(httpPort),
      // Only what the notification itself leads to is counted.
      SURETY_BILLING__SWEEP_EVERY: '1h',
    },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const said: string[] = []
  child.stdout?.on('data', (data) => said.push(String(data).trim()))
  await once(child, 'message')
  return { process: child, port, said }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

/** As Mollie does it: a notification that was not acknowledged is sent again. */
async function send(id: string, port?: number): Promise<boolean> {
  const edge = platform.api('edge') as EdgeApi
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const asked = { host: edge.trustHost, path: WEBHOOK_PATH, method: 'POST', headers, body: `id=${id}`, port }
  const answer = await edge.request({ ...asked, ...(port ? { port } : {}) } as never).catch(() => undefined)
  return (answer as { status?: number } | undefined)?.status === 200
}

/** What a round is about: two resources of one tenant, changed at Mollie. */
async function prepare(): Promise<{ tenant: Tenant; payment: string; subscription: string }> {
  const tenant = await platform.makeTenant('rows')
  const [customerId, subscription, payment] = ['cst', 'sub', 'tr'].map(
    (kind) => `${kind}_${randomBytes(6).toString('hex')}`,
  ) as [string, string, string]
  const accounts = openAccounts(platform.stores.control, systemClock)
  await accounts.link(tenant.id, { customerId, subscriptionId: subscription })
  peer.payment(payment, { customerId, status: 'paid', amountRefunded: { value: '9.00', currency: 'EUR' } })
  peer.subscription(customerId, subscription, { status: 'canceled' })
  return { tenant, payment, subscription }
}

type Round = Awaited<ReturnType<typeof prepare>>

/** What there is of a round; done when nothing is open. */
async function outcome({ tenant, payment, subscription }: Round) {
  const { control } = platform.stores
  const ids = [payment, subscription]
  const count = async (sql: string, values: unknown[]) => (await control.query(sql, values)).length
  return {
    open: await count(
      `SELECT 1 FROM billing.inbox WHERE resource_id = ANY ($1) AND state <> 'done'
       UNION ALL SELECT 1 FROM billing.consequence WHERE subscription_id = ANY ($1) AND done_at IS NULL`,
      [ids],
    ),
    notifications: await count('SELECT 1 FROM billing.inbox WHERE resource_id = ANY ($1)', [ids]),
    contents: await count('SELECT 1 FROM billing.event WHERE resource_id = ANY ($1)', [ids]),
    bookings: await count('SELECT 1 FROM billing.booking WHERE resource_id = $1', [payment]),
    consequences: await count('SELECT 1 FROM billing.consequence WHERE subscription_id = $1', [subscription]),
    state: (await platform.tenancy.bySlug(tenant.slug)).state,
  }
}

const WHOLE = { open: 0, contents: 2, bookings: 2, consequences: 1, state: 'suspended' }

async function untilWhole(round: Round, seconds: number) {
  for (let left = seconds * 20; ; left--) {
    const { notifications, ...seen } = await outcome(round)
    const whole = Object.entries(WHOLE).every(([name, value]) => seen[name as keyof typeof seen] === value)
    if ((whole && notifications >= 2) || left === 0) return { seen, notifications }
    await sleep(50)
  }
}

it('loses nothing and does nothing twice, wherever it is killed', { timeout: 600_000 }, async (context) => {
  const dry = await startChild()
  dry.process.send(1_000_000)
  await once(dry.process, 'message')
  const first = await prepare()
  assert.ok((await send(first.payment, dry.port)) && (await send(first.subscription, dry.port)))
  assert.deepEqual((await untilWhole(first, 20)).seen, WHOLE)
  await sleep(200)
  dry.process.send('count')
  const [{ writes }] = (await once(dry.process, 'message')) as [{ writes: number }]
  dry.process.kill('SIGKILL')

  const steps = new Map<string, number>()
  const wrong: unknown[] = []
  let acknowledged = 0
  let kills = 0
  let next = startChild()
  const stride = Math.max(1, Math.floor(writes / STEPS))
  for (let n = 1 + randomInt(stride); n <= writes; n += stride) {
    const child = await next
    const round = await prepare()
    child.process.send(n)
    await once(child.process, 'message')
    const gone = once(child.process, 'exit')
    const acks: boolean[] = []
    for (const id of [round.payment, round.subscription]) acks.push(await send(id, child.port))
    acknowledged += acks.filter(Boolean).length
    const ended = await Promise.race([gone, sleep(3_000, undefined, { ref: false })])
    if (ended) kills += 1
    else child.process.kill('SIGKILL')
    await gone
    for (const what of child.said) steps.set(what, (steps.get(what) ?? 0) + 1)
    if (n + stride <= writes) next = startChild()
    for (const [i, id] of [round.payment, round.subscription].entries())
      if (!acks[i]) assert.ok(await send(id))
    await jobs.work()
    const { seen } = await untilWhole(round, 20)
    await jobs.drain(5_000)
    try {
      assert.deepEqual(seen, WHOLE)
    } catch {
      wrong.push({ n, said: child.said, seen })
    }
  }
  for (const [what, times] of steps) context.diagnostic(`killed before: ${what} (${times})`)
  context.diagnostic(
    `${writes} steps, ${kills} of them with a kill, ${acknowledged} notifications acknowledged before a kill; ${wrong.length} rounds lost or did something twice`,
  )
  assert.deepEqual(wrong, [])
})
