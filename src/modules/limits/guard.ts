import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Log } from '../../kernel/log.ts'
import { defineProblem } from '../../kernel/problems.ts'
import type { Audience } from '../../kernel/routes.ts'
import type { EdgeApi } from '../edge/index.ts'
import { type Hasher, networkOf } from './address.ts'
import type { Budget, Demand, Verdict } from './gcra.ts'
import type { IntrusionWatch } from './intrusion.ts'
import type { Limiter } from './limiter.ts'
import type { Load } from './load.ts'

const tooMany = defineProblem({ code: 'too-many-requests', status: 429, title: 'Too many requests' })
const busy = defineProblem({ code: 'overloaded', status: 503, title: 'Too busy right now' })

/** The budgets there are. */
export type Budgets = Record<'address' | 'tenant' | 'attempts' | 'account', Budget>

/** What the guard asks. */
export interface LimitParts {
  limiter: Limiter
  hasher: Hasher
  load: Load
  watch: IntrusionWatch
  budgets: Budgets
  clientAddress(request: IncomingMessage): string
  probePassOf: EdgeApi['probePassOf']
  log: Log
}

/** Who asks, for the length of one request; null: a probe that is not counted. */
interface Counted {
  network: string
  /** Of the account that is tried, once it is known. */
  account?: string
}

/** Seconds after which one who was told "busy" may come again. */
const BUSY_SECONDS = 1

/**
 * Counts every request of an audience before anything else is done for it. 429 with `Retry-After` and the fields
 * `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10); 503 while the process has too much to do.
 */
export function limitGuard(audience: Audience, parts: LimitParts): FastifyPluginAsync {
  const { limiter, load, budgets, watch, log } = parts
  const counted = new WeakMap<FastifyRequest, Counted>()
  const nameOf = rememberNames(parts.hasher)
  return async (app) => {
    app.addHook('onRequest', async (request, reply) => {
      if (load.tooMuch()) {
        reply.header('retry-after', BUSY_SECONDS)
        throw busy(`Try again in ${BUSY_SECONDS} s.`)
      }
      reply.raw.once('close', load.enter())
      const pass = parts.probePassOf(request.headers)
      if (pass && pass.from === null) return
      const network = nameOf(request.raw.socket, pass?.from ?? parts.clientAddress(request.raw))
      counted.set(request, { network })
      const { cost = 1, attempt = false } = request.routeOptions.config.limit ?? {}
      const demands = [demand(budgets.address, network, cost)]
      if (audience === 'tenant') demands.push(demand(budgets.tenant, request.tenant.id, cost))
      if (attempt) demands.push(demand(budgets.attempts, network, 1))
      answer(reply, await limiter.admit(demands, attempt))
    })

    app.addHook('preHandler', async (request, reply) => {
      const who = counted.get(request)
      const field = request.routeOptions.config.limit?.account
      const name = field && (request.body as Record<string, unknown> | undefined)?.[field]
      if (!who || typeof name !== 'string') return
      const scope = audience === 'tenant' ? request.tenant.id : audience
      const account = parts.hasher.hash(`${scope}|${name.trim().toLowerCase()}|${who.network}`)
      const tried = demand(budgets.account, account, 1)
      counted.set(request, { ...who, account: tried.key })
      answer(reply, await limiter.admit([tried], true))
    })

    app.addHook('onResponse', async (request, reply) => {
      const who = counted.get(request)
      if (!who) return
      // Whoever gets in was no guesser: only refused attempts at an account add up.
      if (who.account && reply.statusCode < 300) await limiter.forget(who.account)
      if (!isRefusal(request, reply)) return
      const tenant = audience === 'tenant' ? request.tenant : null
      await watch
        .note({
          network: who.network,
          audience,
          tenantId: tenant?.id ?? null,
          canary: tenant?.canary ?? false,
        })
        .catch((error: unknown) => log.error({ err: error }, 'a refused attempt was not counted'))
    })
  }
}

/** Milliseconds that a connection's name is used again; much less than the salt lives. */
const NAME_LIFE = 10_000

/** The hash of a client's network, made once in a while for each connection and not for each request on it. */
function rememberNames(hasher: Hasher): (connection: Socket, address: string) => string {
  const names = new WeakMap<Socket, { address: string; name: string; until: number }>()
  return (connection, address) => {
    const known = names.get(connection)
    if (known?.address === address && known.until > performance.now()) return known.name
    const name = hasher.hash(networkOf(address))
    names.set(connection, { address, name, until: performance.now() + NAME_LIFE })
    return name
  }
}

const demand = (budget: Budget, name: string, cost: number): Demand => ({
  key: bucketKey(budget, name),
  budget,
  cost,
})

/** The braces keep all buckets of one request on one node of a Redis cluster, as one script needs. */
export const bucketKey = (budget: Budget, name: string): string => `limit:{limits}:${budget.name}:${name}`

function isRefusal(request: FastifyRequest, { statusCode }: FastifyReply): boolean {
  const attempt = request.routeOptions.config.limit?.attempt === true
  return statusCode === 401 || statusCode === 403 || (attempt && statusCode === 429)
}

/** Tells the caller how much is left, or throws. */
function answer(reply: FastifyReply, verdicts: readonly Verdict[]): void {
  if (verdicts.length === 0) return
  const policy = verdicts.map(
    ({ budget }) => `"${budget.name}";q=${budget.amount};w=${seconds(budget.window)}`,
  )
  const state = verdicts.map(
    ({ budget, remaining, reset }) => `"${budget.name}";r=${remaining};t=${seconds(reset)}`,
  )
  append(reply, 'ratelimit-policy', policy)
  append(reply, 'ratelimit', state)
  const wait = Math.max(...verdicts.map((verdict) => verdict.wait))
  if (wait === 0) return
  const after = Math.max(1, seconds(wait))
  reply.header('retry-after', after)
  throw tooMany(`Try again in ${after} s.`)
}

function append(reply: FastifyReply, field: string, items: readonly string[]): void {
  const before = reply.getHeader(field)
  reply.header(field, [...(before ? [String(before)] : []), ...items].join(', '))
}

const seconds = (ms: number): number => Math.ceil(ms / 1000)
