import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { z } from 'zod'

type Json = Record<string, unknown>

/** `POST { kind: 'payment' | 'subscription', id, customerId, fields }`: not of Mollie's API, but about it. */
export const TELL_PATH = '/stand-in'

/** A server on this machine that speaks as much of Mollie's API as we ask of it, and says what it is told to. */
export interface MolliePeer {
  port: number
  /** Makes or changes a payment; what is not given stays. */
  payment(id: string, fields: Json): void
  subscription(customerId: string, id: string, fields: Json): void
  /** How often a resource was asked for. */
  asked(id: string): number
  /** Answers come after this; for answers that overtake each other. */
  beforeAnswer(wait: (id: string) => Promise<void> | undefined): void
  /** Names come in another order from now on, as JSON allows. */
  reorder(): void
  close(): Promise<void>
}

/** Opens it at 127.0.0.1 (`port`, or any), for one key. */
export async function openMolliePeer(options: {
  key: string
  leaf: { key: string; cert: string }
  port?: number
  /** With it, whoever has the key tells the peer by `TELL_PATH` what to say; called after each change. */
  onTold?: (id: string) => void
}): Promise<MolliePeer> {
  const payments = new Map<string, Json>()
  const subscriptions = new Map<string, Json>()
  const asked = new Map<string, number>()
  let wait: (id: string) => Promise<void> | undefined = () => undefined
  let reversed = false
  const find = (path: string): Json | undefined => {
    const [, id = '', list] =
      /^\/v2\/(?:payments|customers\/\w+\/subscriptions|customers)\/(\w+)(\/payments)?/.exec(path) ?? []
    asked.set(id, (asked.get(id) ?? 0) + 1)
    if (!list) return payments.get(id) ?? subscriptions.get(id)
    const theirs = [...payments.values()].filter(({ customerId }) => customerId === id)
    return { count: theirs.length, _embedded: { payments: theirs }, _links: {} }
  }
  const mode = options.key.split('_')[0]
  const keep = (kept: Map<string, Json>, id: string, made: Json, fields: Json) =>
    void kept.set(id, { ...(kept.get(id) ?? made), ...fields })
  const payment = (id: string, fields: Json) => keep(payments, id, { ...PAYMENT, id, mode }, fields)
  const subscription = (customerId: string, id: string, fields: Json) =>
    keep(subscriptions, id, { ...SUBSCRIPTION, id, mode, customerId }, fields)
  const hear = async (request: IncomingMessage) => {
    const { kind, id, customerId, fields } = Told.parse(await json(request))
    if (kind === 'payment') payment(id, { customerId, ...fields })
    else subscription(customerId, id, fields)
    options.onTold?.(id)
    return {}
  }
  const server = createServer(options.leaf, async (request, response) => {
    const path = request.url ?? ''
    const allowed = request.headers.authorization === `Bearer ${options.key}`
    const telling = options.onTold && path === TELL_PATH && request.method === 'POST'
    const found = allowed ? (telling ? await hear(request).catch(() => undefined) : find(path)) : undefined
    const answer = found && JSON.stringify(reversed ? reverse(found) : found)
    await wait(path.split('/').at(-1) ?? '')
    const status = allowed ? (found ? 200 : 404) : 401
    response.writeHead(status, { 'content-type': 'application/hal+json' })
    response.end(answer ?? JSON.stringify({ status, title: 'Not given', detail: 'No such resource.' }))
  })
  server.listen(options.port ?? 0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    payment,
    subscription,
    asked: (id) => asked.get(id) ?? 0,
    beforeAnswer(before) {
      wait = before
    },
    reorder() {
      reversed = !reversed
    },
    async close() {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

const Told = z.object({
  kind: z.enum(['payment', 'subscription']),
  id: z.string(),
  customerId: z.string(),
  fields: z.record(z.string(), z.unknown()),
})

const PAYMENT: Json = {
  resource: 'payment',
  status: 'open',
  createdAt: '2026-01-01T10:00:00+00:00',
  amount: { value: '49.00', currency: 'EUR' },
  description: 'Subscription',
  method: 'directdebit',
  metadata: null,
  details: { consumerName: 'M. Muster', consumerAccount: 'DE00123456780000000000' },
  profileId: 'pfl_local',
  sequenceType: 'recurring',
  _links: { self: { href: 'https://localhost/', type: 'application/hal+json' } },
}

const SUBSCRIPTION: Json = {
  resource: 'subscription',
  status: 'active',
  createdAt: '2026-01-01T10:00:00+00:00',
  amount: { value: '49.00', currency: 'EUR' },
  times: null,
  interval: '1 month',
  description: 'Subscription',
  _links: {},
}

function reverse(value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, inner]) => [name, reverse(inner)]),
  )
}
