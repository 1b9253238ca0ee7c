import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import { z } from 'zod'
import { defineProblem } from '../../kernel/problems.ts'

const mollieFailed = defineProblem({
  code: 'mollie-failed',
  status: 502,
  title: 'Mollie did not answer as agreed',
})

const Money = z.object({ value: z.string().regex(/^\d+\.\d{2}$/), currency: z.string().regex(/^[A-Z]{3}$/) })
const Mode = z.enum(['live', 'test'])

const Payment = z.object({
  resource: z.literal('payment'),
  id: z.string().startsWith('tr_'),
  mode: Mode,
  status: z.enum(['open', 'pending', 'authorized', 'paid', 'canceled', 'expired', 'failed']),
  amount: Money,
  amountRefunded: Money.optional(),
  amountChargedBack: Money.optional(),
  customerId: z.string().nullish(),
})
const Subscription = z.object({
  resource: z.literal('subscription'),
  id: z.string().startsWith('sub_'),
  mode: Mode,
  status: z.enum(['pending', 'active', 'canceled', 'suspended', 'completed']),
  customerId: z.string().nullish(),
})
const Resource = z.discriminatedUnion('resource', [Payment, Subscription])
const PaymentList = z.object({ _embedded: z.object({ payments: z.array(z.unknown()) }) })

export type MollieResource = z.output<typeof Resource>

/** A resource as Mollie tells it now. */
export interface Seen {
  resource: MollieResource
  /** SHA-256 of the whole answer as canonical JSON (RFC 8785): the same content has the same hash in any order. */
  hash: Buffer
}

/** As much of Mollie's API (v2) as is needed. */
export interface Mollie {
  mode: 'live' | 'test'
  /** Null when Mollie does not know it. Throws a Problem `mollie-failed` (502). */
  payment(id: string): Promise<Seen | null>
  subscription(customerId: string, id: string): Promise<Seen | null>
  /** The customer's newest payments. */
  paymentsOf(customerId: string): Promise<Seen[]>
}

/** Like the global `fetch`, with the purpose of the call. */
export type MollieFetch = (
  purpose: string,
  url: string,
  init: { headers: Record<string, string>; signal: AbortSignal },
) => Promise<{ status: number; text(): Promise<string> }>

/** Milliseconds for one answer; well within a lease. */
const TIMEOUT = 10_000
const NEWEST = 50

/** A client for `key`. A resource of the other mode is not taken: test payments must never look like money. */
export function openMollie(options: {
  key: string
  mode: 'live' | 'test'
  apiUrl: string
  fetch: MollieFetch
}): Mollie {
  const { key, mode, apiUrl, fetch } = options
  const get = async (purpose: string, path: string): Promise<unknown> => {
    const answer = await fetch(purpose, `${apiUrl}/v2${path}`, {
      headers: { authorization: `Bearer ${key}`, accept: 'application/hal+json' },
      signal: AbortSignal.timeout(TIMEOUT),
    })
    const text = await answer.text()
    if (answer.status === 404 || answer.status === 410) return null
    if (answer.status !== 200) throw mollieFailed(`Mollie answers ${answer.status} to ${purpose}.`)
    return JSON.parse(text)
  }
  const see = (answer: unknown): Seen => {
    const parsed = Resource.safeParse(answer)
    if (!parsed.success) throw mollieFailed('The answer has another shape than the API documents.')
    if (parsed.data.mode !== mode)
      throw mollieFailed(`${parsed.data.id} is of mode ${parsed.data.mode}, the key of mode ${mode}.`)
    return { resource: parsed.data, hash: hashOf(answer) }
  }
  return {
    mode,
    async payment(id) {
      const answer = await get('payment.get', `/payments/${id}`)
      return answer === null ? null : see(answer)
    },
    async subscription(customerId, id) {
      const answer = await get('subscription.get', `/customers/${customerId}/subscriptions/${id}`)
      return answer === null ? null : see(answer)
    },
    async paymentsOf(customerId) {
      const answer = await get('payments.list', `/customers/${customerId}/payments?limit=${NEWEST}`)
      return answer === null ? [] : PaymentList.parse(answer)._embedded.payments.map(see)
    },
  }
}

function hashOf(answer: unknown): Buffer {
  return createHash('sha256')
    .update(canonicalize(answer) ?? '')
    .digest()
}
