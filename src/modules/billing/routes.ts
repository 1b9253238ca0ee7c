import type { FastifyPluginAsync } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { defineProblem } from '../../kernel/problems.ts'
import type { RouteGroup } from '../../kernel/routes.ts'
import type { Accounts } from './accounts.ts'
import type { Inbox } from './inbox.ts'

const noBill = defineProblem({ code: 'billing-none', status: 404, title: 'Nothing is billed here' })
const notDead = defineProblem({
  code: 'notification-not-dead',
  status: 404,
  title: 'No notification with this id was given up',
})

/** What the routes need. */
export interface BillingRouteParts {
  accounts: Accounts
  inbox: Inbox
  /** Sees to it that a notification is processed soon. */
  enqueue(id: string): Promise<void>
}

/** Where Mollie sends its notifications, at the host of the trust center, which is open to everybody. */
export const WEBHOOK_PATH = '/api/v1/webhooks/mollie'

const FORM = 'application/x-www-form-urlencoded'
const MOST_BOOKINGS = 200
const State = z.enum(['received', 'processing', 'done', 'retry', 'dead'])
const Bill = z.object({
  customerId: z.string(),
  subscriptionId: z.string().nullable(),
  subscription: z.string().nullable(),
  bookings: z.array(
    z.object({
      payment: z.string(),
      kind: z.string(),
      amount: z.string(),
      currency: z.string(),
      bookedAt: z.iso.datetime(),
    }),
  ),
})
const Listed = z.object({
  id: z.uuid(),
  resourceId: z.string(),
  source: z.enum(['webhook', 'reconcile']),
  state: State,
  receivedAt: z.iso.datetime(),
  attempts: z.number(),
  error: z.string().nullable(),
})

/** The webhook, the tenant's view and the operators' view. */
export function billingRoutes(parts: BillingRouteParts): RouteGroup[] {
  const group = (audience: RouteGroup['audience'], plugin: FastifyPluginAsyncZod): RouteGroup => ({
    audience,
    plugin: plugin as unknown as FastifyPluginAsync,
  })
  return [
    group('trust', webhook(parts)),
    group('tenant', ownBill(parts)),
    group('admin', notifications(parts)),
  ]
}

/**
 * Anybody may call it, since a notification says nothing but where to look; what is true is then asked of Mollie. It is
 * kept before it is acknowledged, and taken up after that: a queue that is away delays it and loses nothing.
 */
function webhook({ inbox, enqueue }: BillingRouteParts): FastifyPluginAsyncZod {
  return async (app) => {
    app.addContentTypeParser(FORM, { parseAs: 'string', bodyLimit: 1_000 }, (_request, body, done) =>
      done(null, Object.fromEntries(new URLSearchParams(body as string))),
    )
    app.post(
      WEBHOOK_PATH,
      {
        config: { public: true },
        schema: {
          tags: ['billing'],
          summary: 'A payment or subscription at Mollie changed',
          consumes: [FORM],
          body: z.object({ id: z.string().regex(/^(tr|sub)_[A-Za-z0-9]{1,40}$/) }),
          response: { 200: z.object({ received: z.literal(true) }) },
        },
      },
      async (request, reply) => {
        const id = await inbox.receive(request.body.id, 'webhook')
        // The sweeper finds it when the queue is away.
        reply.raw.once('close', () => void enqueue(id).catch(() => undefined))
        return { received: true as const }
      },
    )
  }
}

function ownBill({ accounts }: BillingRouteParts): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/api/v1/billing',
      {
        config: { permission: 'billing.read' },
        schema: {
          tags: ['billing'],
          summary: "This tenant's subscription, payments and refunds",
          response: { 200: Bill },
        },
      },
      async ({ tenant }) => {
        const bill = await accounts.bill(tenant.id, MOST_BOOKINGS)
        if (!bill) throw noBill('This tenant is no customer at Mollie.')
        return bill
      },
    )
  }
}

function notifications({ inbox, enqueue }: BillingRouteParts): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/api/v1/billing/notifications',
      {
        config: { permission: 'billing.read' },
        schema: {
          tags: ['billing'],
          summary: 'Notifications of payments, newest first',
          querystring: z.object({
            state: State.optional(),
            limit: z.coerce.number().int().min(1).max(500).default(100),
          }),
          response: { 200: z.array(Listed) },
        },
      },
      ({ query }) => inbox.list(query.state, query.limit),
    )
    app.post(
      '/api/v1/billing/notifications/:id/retry',
      {
        config: { permission: 'billing.manage' },
        schema: {
          tags: ['billing'],
          summary: 'Try a notification again that was given up',
          params: z.object({ id: z.uuid() }),
          response: { 204: z.null().describe('Done') },
        },
      },
      async (request, reply) => {
        const { id } = request.params
        if (!(await inbox.revive(id))) throw notDead('Look at the list of notifications.')
        await enqueue(id)
        return reply.code(204).send(null)
      },
    )
  }
}
