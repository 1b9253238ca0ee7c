import type { FastifyPluginAsync } from 'fastify'
import { z } from 'zod'
import { defineModule } from '../../kernel/module.ts'
import type { RouteGroup } from '../../kernel/routes.ts'
import { proof } from '../../proof/index.ts'
import { trustRoutes } from './routes.ts'

/** The public trust center: pages and JSON, from evidence alone. */
export const trust = defineModule({
  name: 'trust',
  needs: { proof },
  settings: z.object({
    /** Who publishes the page. */
    name: z.string().min(1).default('Surety'),
  }),
  async start({ settings }, { proof }) {
    const plugin = trustRoutes(proof, settings.name) as unknown as FastifyPluginAsync
    const routes: RouteGroup[] = [{ audience: 'trust', plugin }]
    return { api: null, routes }
  },
})
