import type { FastifyPluginAsync } from 'fastify'
import { stores } from '../../data/index.ts'
import { defineModule } from '../../kernel/module.ts'
import type { RouteGroup } from '../../kernel/routes.ts'
import { tenancy } from '../tenancy/index.ts'
import { jobCommands } from './commands.ts'
import { openQueueConnection } from './connections.ts'
import { drillKind, openDrill } from './drill.ts'
import type { AnyJob, JobsApi } from './job.ts'
import { jobRetry } from './measures/job-retry.ts'
import { redisSeparate } from './measures/redis-separate.ts'
import { workerAutorestart } from './measures/worker-autorestart.ts'
import { jobTwice } from './problems.ts'
import { openQueues, type Queues } from './queues.ts'
import { jobRoutes } from './routes.ts'
import { settings } from './settings.ts'
import { openTrial, PROBE_PREFIX } from './trial.ts'
import { type Schedule, startWorkers, type Workers } from './workers.ts'

export type { Drill } from './drill.ts'
export type { JobsApi, RunningJob } from './job.ts'

/** Background work that survives crashes: queues on Redis, retries, and what was given up. */
export const jobs = defineModule({
  name: 'jobs',
  needs: { stores, tenancy },
  settings,
  async start({ settings, log, program }, { stores, tenancy }) {
    const redis = openQueueConnection(stores.redisAddress, log)
    await redis.connect().catch(() => undefined) // adding a job says so
    const parts = { address: stores.redisAddress, settings, bySlug: tenancy.bySlug, log }
    const trial = () => openTrial(parts)
    const queues = openQueues(redis, settings)
    const kinds = new Map<string, AnyJob>()
    const schedules: Schedule[] = []
    let workers: Workers | undefined
    const api: JobsApi = {
      define(definition) {
        const { name, attempts, data: schema } = definition
        if (kinds.has(name)) throw jobTwice(`Two kinds of job are named "${name}".`)
        kinds.set(name, definition)
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
        // A process that a probe started must not take real work from those it is compared with.
        const probing = settings.prefix.startsWith(PROBE_PREFIX)
        workers ??= await (probing
          ? startWorkers([drillKind(redis)], [], parts)
          : startWorkers([...kinds.values()], schedules, parts))
      },
      async drain(patience) {
        const running = workers
        workers = undefined
        await running?.drain(patience)
      },
      trial,
      drill: () => openDrill(trial),
      ...lookAt(queues, () => [...kinds.keys()]),
    }
    const plugin = jobRoutes(api) as unknown as FastifyPluginAsync
    const routes: RouteGroup[] = [{ audience: 'admin', plugin }]
    return {
      api,
      routes,
      commands: jobCommands(api),
      measures: [
        jobRetry(settings, trial),
        workerAutorestart(settings, { program, redis }, trial),
        redisSeparate(() => ({ app: stores.redis, queue: redis, prefix: settings.prefix }), trial),
      ],
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
