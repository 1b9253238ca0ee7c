import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { TenantRecord } from './tenant.ts'

const Answer = z.object({ slug: z.string(), name: z.string(), state: z.enum(['active', 'suspended']) })

/** What anybody may know of the tenant whose host is asked. */
export const tenancyRoutes: FastifyPluginAsyncZod = async (app) => {
  app.get(
    '/api/v1/tenant',
    {
      schema: { tags: ['tenant'], summary: 'Whose host this is', response: { 200: Answer } },
      config: { public: true },
    },
    async ({ tenant: { slug, name, state } }) => ({ slug, name, state }),
  )
}

const Line = z.object({
  slug: z.string(),
  name: z.string(),
  model: z.enum(['database', 'rows']),
  state: z.enum(['active', 'suspended']),
  hosts: z.array(z.string()),
})

/** For operators. */
export function operatorTenancyRoutes(list: () => Promise<readonly TenantRecord[]>): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/api/v1/tenants',
      {
        schema: { tags: ['tenants'], summary: 'All tenants', response: { 200: z.array(Line) } },
        config: { permission: 'tenants.read' },
      },
      async () => {
        const customers = (await list()).filter(({ canary }) => !canary)
        return customers.map(({ slug, name, model, state, hosts }) => ({
          slug,
          name,
          model,
          state,
          hosts: [...hosts],
        }))
      },
    )
  }
}
