import { argon2, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import rateLimit from '@fastify/rate-limit'
import Fastify, { type FastifyInstance } from 'fastify'
import { Redis } from 'ioredis'
import { RateLimiterRedis } from 'rate-limiter-flexible'
import { systemClock } from '../src/kernel/clock.ts'
import { newId } from '../src/kernel/ids.ts'
import { createLog } from '../src/kernel/log.ts'
import { openLimiter } from '../src/modules/limits/limiter.ts'
import { testRedis } from '../test/support/servers.ts'
import { compare, type Figures, type Print, printFigures } from './compare.ts'
import type { Contender } from './identity.server.ts'
import { type Ask, asker, CLIENTS, poolOf, printCpu, start } from './servers.ts'

/** Whole requests against bare Fastify and Better Auth, the limiter against its peers, and a flood of sign-ins. */
export async function run(print: Print): Promise<void> {
  const surety = await start('surety')
  const bare = await start('bare', surety.shared)
  const better = await start('better-auth', surety.shared)
  const servers = {
    'bare Fastify, same query': bare,
    'Surety: limits, JWT, CSRF, headers': surety,
    'Better Auth: session check': better,
  }
  try {
    for (const [what, body] of [
      ['one row', { id: surety.id }],
      ['a page of 50 rows', { list: 1 }],
    ] as const) {
      const askers = Object.fromEntries(
        Object.entries(servers).map(([name, server]) => [name, asker(server, body)]),
      )
      for (const clients of [1, CLIENTS]) {
        const title = `a signed-in POST, ${what}, HTTPS, ${clients} at once`
        printFigures(print, title, await compare(askers, clients))
      }
      await printCpu(print, servers, askers)
    }
    await limiter(print)
    await flood(print, surety, asker(surety, { id: surety.id }))
  } finally {
    for (const { end } of [surety, bare, better]) end()
  }
}

/** One bucket of ten million, so that nobody is refused; and whole requests that are limited by each. */
async function limiter(print: Print): Promise<void> {
  const { path, password } = testRedis()
  const redis = new Redis({ path: path as string, password: password as string })
  const log = createLog({ name: 'bench', level: 'silent' })
  const own = openLimiter(redis, { within: 500, awayShare: 0.3, clock: systemClock, log })
  const budget = { name: 'address', amount: 10_000_000, window: 60_000 }
  const demand = (name: string) => ({ key: `limit:{limits}:${name}`, budget, cost: 1 })
  const peer = new RateLimiterRedis({ storeClient: redis, points: budget.amount, duration: 60 })
  const key = newId()
  const figures = await compare(
    {
      'rate-limiter-flexible, one bucket': () => peer.consume(key),
      'Surety, one bucket': () => own.admit([demand(key)], false),
      'Surety, two buckets': () => own.admit([demand(key), demand(`${key}b`)], false),
    },
    64,
  )
  printFigures(print, 'a decision of the limiter, Redis on a UNIX socket, 64 at once', figures)

  const answered = async (limit?: (app: FastifyInstance) => unknown) => {
    const app = Fastify()
    await limit?.(app)
    app.get('/', async () => 'ok')
    await app.ready()
    return async () => {
      if ((await app.inject('/')).statusCode !== 200) throw new Error('not answered')
    }
  }
  const requests = await compare(
    {
      'Fastify without a limit': await answered(),
      '@fastify/rate-limit with Redis': await answered((app) =>
        app.register(rateLimit, { max: budget.amount, timeWindow: 60_000, redis }),
      ),
      'Fastify and our limiter': await answered((app) =>
        app.addHook('onRequest', async (request) => {
          await own.admit([demand(request.ip)], false)
        }),
      ),
    },
    16,
  )
  printFigures(print, 'a request through Fastify (inject), 16 at once', requests)
  await redis.quit()
}

/** Sign-ins as fast as they are taken, and what everybody else notices of it. */
async function flood(print: Print, to: Contender, ask: Ask): Promise<void> {
  const pool = poolOf(to, 64)
  const headers = { host: `${to.host}:${to.port}`, 'content-type': 'application/json' }
  const body = JSON.stringify({ email: 'mia@example.org', password: 'a long enough sentence' })
  const statuses = new Map<number, number>()
  const signIn = async () => {
    const answer = await pool.request({ method: 'POST', path: '/api/v1/auth/sign-in', headers, body })
    await answer.body.dump()
    statuses.set(answer.statusCode, (statuses.get(answer.statusCode) ?? 0) + 1)
  }
  const derive = promisify(argon2)
  const nonce = randomBytes(16)
  const cost = { memory: 19_456, passes: 2, parallelism: 1, tagLength: 32 }
  const bare = () => derive('argon2id', { message: 'a long enough sentence', nonce, ...cost })
  printFigures(
    print,
    'sign-ins, 2 at once',
    await compare({ 'bare argon2id': bare, 'Surety: sign-in': signIn }, 2),
  )

  const quiet = (await compare({ quiet: ask }, 1))[0] as Figures
  statuses.clear()
  let over = false
  const began = performance.now()
  const flooding = Array.from({ length: 64 }, async () => {
    while (!over) await signIn()
  })
  const busy = (await compare({ busy: ask }, 1))[0] as Figures
  over = true
  await Promise.all(flooding)
  const seconds = (performance.now() - began) / 1000
  const told = [...statuses].map(([status, n]) => `${(n / seconds).toFixed(0)}/s answered ${status}`)
  print(`\nother requests while 64 clients flood the sign-in (${told.join(', ')})`)
  for (const [name, { median, p99 }] of [
    ['quiet', quiet],
    ['in the flood', busy],
  ] as const)
    print(`  ${name.padEnd(14)} p50 ${median.toFixed(2)} ms   p99 ${p99.toFixed(2)} ms`)
}
