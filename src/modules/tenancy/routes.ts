import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'

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
