import type { FastifyPluginAsync } from 'fastify'
import { z } from 'zod'
import { defineModule } from '../../kernel/module.ts'
import { browser } from '../browser/index.ts'
import { identity } from '../identity/index.ts'
import { officeRoutes } from './routes.ts'

export { buildPages } from './build.ts'

/** The pages where members and operators sign in and see to people, roles, tokens and sessions. */
export const office = defineModule({
  name: 'office',
  needs: { identity, browser },
  settings: z.object({}),
  start: async () => ({
    api: null,
    routes: (['admin', 'tenant'] as const).map((audience) => ({
      audience,
      plugin: officeRoutes(audience) as unknown as FastifyPluginAsync,
    })),
  }),
})
