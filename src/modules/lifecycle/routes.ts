import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Clock } from '../../kernel/clock.ts'
import { graceOf } from './grace.ts'

const Account = z.object({
  slug: z.string(),
  name: z.string(),
  state: z.enum(['active', 'suspended']),
  suspendedAt: z.iso.datetime().nullable().describe('Since when it is read-only'),
  erasedAfter: z.iso
    .datetime()
    .nullable()
    .describe('When its data is erased for good, unless it is reactivated'),
  daysLeft: z.number().int().nullable().describe('Whole days until then'),
})

/** What a tenant can read about itself. `grace` in milliseconds. */
export function accountRoutes(grace: number, clock: Clock): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/api/v1/account',
      {
        schema: {
          tags: ['account'],
          summary: 'State of the account; for a suspended one, how long it stays online',
          response: { 200: Account },
        },
        config: { permission: 'content.read' },
      },
      async ({ tenant }) => {
        const { slug, name, state, suspendedAt } = tenant
        const left = graceOf(tenant, grace, clock.now())
        return {
          slug,
          name,
          state,
          suspendedAt: suspendedAt?.toISOString() ?? null,
          erasedAfter: left?.erasedAfter.toISOString() ?? null,
          daysLeft: left?.daysLeft ?? null,
        }
      },
    )
  }
}
