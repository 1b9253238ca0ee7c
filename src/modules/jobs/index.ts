import type { FastifyPluginAsync } from 'fastify'
import type { z } from 'zod'
import { stores } from '../../data/index.ts'
import { defineModule } from '../../kernel/module.ts'
import type { RouteGroup } from '../../kernel/routes.ts'
import { tenancy } from '../tenancy/index.ts'
import { jobCommands } from './commands.ts'
import { openQueueConnection } from './connections.ts'
import type { JobDefinition, JobsApi } from './job.ts'
import { jobTwice } from './problems.ts'
import { openQueues, type Queues } from './queues.ts'
import { jobRoutes } from './routes.ts'
import { settings } from './settings.ts'
import { type Schedule, startWorkers, type Workers } from './workers.ts'

export type { JobsApi, RunningJob } from './job.ts'

/** Background work that survives crashes: queues on Redis, retries, and what was given up. */
export const jobs = defineModule({
  name: 'jobs',
  needs: { stores, tenancy },
  settings,
  async start({ settings, log }, { stores, tenancy }) {
    const redis = openQueueConnection(stores.redisAddress, log)
    const queues = openQueues(redis, settings)
    const kinds = new Map<string, JobDefinition<z.ZodType>>()
    const schedules: Schedule[] = []
    let workers: Workers | undefined
    const api: JobsApi = {
      define(definition) {
        const { name, attempts, data: schema } = definition
        if (kinds.has(name)) throw jobTwice(`Two kinds of job are named "${name}".`)
        kinds.set(name, definition as unknown as JobDefinition<z.ZodType>)
        return {
          add: async (tenant, data, options = {}) => {
            schema.parse(data)
            const named = tenant && { id: tenant.id, slug: tenant.slug }
            return queues.add(name, { tenant: named, data }, { attempts, ...options })
          },
        }
      },
      every: (name, ms, run) => void schedules.push({ name, ms, run }),
      async work() {
        const parts = { address: stores.redisAddress, settings, bySlug: tenancy.bySlug, log }
        workers ??= await startWorkers([...kinds.values()], schedules, parts)
      },
      async drain(patience) {
        const running = workers
        workers = undefined
        await running?.drain(patience)
      },
      ...lookAt(queues, () => [...kinds.keys()]),
    }
    const plugin = jobRoutes(api) as unknown as FastifyPluginAsync
    const routes: RouteGroup[] = [{ audience: 'admin', plugin }]
    return {
      api,
      routes,
      commands: jobCommands(api),
      async stop() {
        await api.drain(0)
        redis.disconnect()
      },
    }
  },
})

function lookAt(
  queues: Queues,
  kinds: () => string[],
): Pick<JobsApi, 'counts' | 'dead' | 'retry' | 'discard' | 'forget'> {
  return {
    counts: () => Promise.all(kinds().map(queues.counts)),
    async dead(limit) {
      const lists = await Promise.all(kinds().map((kind) => queues.dead(kind, limit)))
      return lists
        .flat()
        .sort((a, b) => b.diedAt.localeCompare(a.diedAt))
        .slice(0, limit)
    },
    retry: queues.retry,
    discard: queues.discard,
    async forget(tenantId) {
      const counts = await Promise.all(kinds().map((kind) => queues.forget(kind, tenantId)))
      return counts.reduce((sum, count) => sum + count, 0)
    },
  }
}
