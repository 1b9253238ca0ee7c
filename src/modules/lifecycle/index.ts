import type { FastifyPluginAsync } from 'fastify'
import { z } from 'zod'
import { duration } from '../../kernel/duration.ts'
import { defineModule } from '../../kernel/module.ts'
import type { RouteGroup } from '../../kernel/routes.ts'
import { identity } from '../identity/index.ts'
import { jobs } from '../jobs/index.ts'
import { tenancy } from '../tenancy/index.ts'
import { readOnlyGuard } from './guard.ts'
import { accountRoutes } from './routes.ts'

/** What other modules get from lifecycle. */
export interface LifecycleApi {
  /** Reading works, writing does not; the time until erasure begins, unless it already runs. */
  suspend(slug: string): Promise<void>
  /** Ends a suspension and its time. */
  reactivate(slug: string): Promise<void>
}

/** How often (ms) what a crash left is looked for. */
const SWEEP_EVERY = 60_000

/** How a tenant's time here ends: suspension, export, erasure. */
export const lifecycle = defineModule({
  name: 'lifecycle',
  needs: { tenancy, identity, jobs },
  settings: z.object({
    /** How long a suspended tenant stays online before it is erased. */
    grace: duration.default(90 * 86_400_000),
  }),
  async start({ settings, clock }, { tenancy, jobs }) {
    const api: LifecycleApi = {
      suspend: (slug) => tenancy.setState(slug, 'suspended'),
      reactivate: (slug) => tenancy.setState(slug, 'active'),
    }
    jobs.every('lifecycle.sweep', SWEEP_EVERY, () => tenancy.settle())
    const account = accountRoutes(settings.grace, clock) as unknown as FastifyPluginAsync
    const routes: RouteGroup[] = [{ audience: 'tenant', plugin: account }]
    const guards: RouteGroup[] = [{ audience: 'tenant', plugin: readOnlyGuard }]
    return { api, routes, guards }
  },
})
