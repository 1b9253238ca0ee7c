import { type JobsOptions, Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { newId } from '../../kernel/ids.ts'
import { Problem } from '../../kernel/problems.ts'
import { traceparent } from '../../kernel/trace.ts'
import { untilReady } from './connections.ts'
import type { DeadJob, JobCounts } from './job.ts'
import { jobNotDead, jobsUnavailable } from './problems.ts'
import { backoffOf, type JobSettings } from './settings.ts'

/** What stands in Redis for a job. */
export interface Envelope {
  tenant: { id: string; slug: string } | null
  data: unknown
  /** The `traceparent` of what added it. */
  trace?: string | undefined
}

/** The adding and looking side of the queues. Every call ends soon, also while Redis is away. */
export interface Queues {
  add(
    kind: string,
    envelope: Envelope,
    options: { attempts?: number | undefined; id?: string | undefined; delay?: number | undefined },
  ): Promise<string>
  counts(kind: string): Promise<JobCounts>
  /** The data of jobs that wait. */
  waiting(kind: string): Promise<unknown[]>
  dead(kind: string, limit: number): Promise<DeadJob[]>
  retry(kind: string, id: string): Promise<void>
  discard(kind: string, id: string): Promise<void>
  forget(kind: string, tenantId: string): Promise<number>
}

const MOST_LISTED = 1_000

/** Opens them on the connection `redis`. */
export function openQueues(redis: Redis, settings: JobSettings): Queues {
  const opened = new Map<string, Promise<Queue<Envelope>>>()

  async function open(kind: string): Promise<Queue<Envelope>> {
    const queue = new Queue<Envelope>(kind, { connection: redis, prefix: settings.prefix })
    queue.on('error', () => undefined) // each call says so to its caller
    await queue.waitUntilReady()
    return queue
  }

  function remember(kind: string): Promise<Queue<Envelope>> {
    const queue = opened.get(kind) ?? open(kind)
    opened.set(kind, queue)
    queue.catch(() => opened.delete(kind))
    return queue
  }

  /** A queue is opened when Redis is there: one that began without it never becomes ready. */
  async function at<T>(kind: string, work: (queue: Queue<Envelope>) => Promise<T>): Promise<T> {
    await untilReady(redis, settings.waitFor)
    try {
      return await work(await remember(kind))
    } catch (error) {
      if (error instanceof Problem) throw error
      if (!(error instanceof Error) || !isAway(error, redis)) throw error
      throw jobsUnavailable('Redis does not answer; try again later.', { cause: error })
    }
  }

  return {
    add: (kind, envelope, options) =>
      at(kind, async (queue) => {
        const jobId = options.id ?? newId()
        if (options.id) await clearTheWay(queue, options.id)
        await queue.add(
          kind,
          { ...envelope, trace: traceparent() },
          { ...jobOptions(settings, options), jobId },
        )
        return jobId
      }),
    counts: (kind) =>
      at(kind, async (queue) => {
        const counts = await queue.getJobCounts('wait', 'prioritized', 'active', 'delayed', 'failed')
        const running = await queue.getJobs(['active'], 0, MOST_LISTED)
        return {
          kind,
          waiting: (counts.wait ?? 0) + (counts.prioritized ?? 0),
          running: counts.active ?? 0,
          delayed: counts.delayed ?? 0,
          dead: counts.failed ?? 0,
          progress: running.flatMap(({ id = '', data, progress }) => {
            const { done, total } = (progress || {}) as { done?: number; total?: number }
            return done === undefined || total === undefined
              ? []
              : [{ id, tenant: data.tenant?.slug ?? null, done, total }]
          }),
        }
      }),
    waiting: (kind) =>
      at(kind, async (queue) => (await queue.getJobs(['wait'], 0, MOST_LISTED)).map(({ data }) => data.data)),
    dead: (kind, limit) =>
      at(kind, async (queue) => {
        const jobs = await queue.getJobs(['failed'], 0, limit - 1)
        return jobs.map(({ id = '', data, attemptsMade, failedReason, finishedOn }) => ({
          kind,
          id,
          tenant: data.tenant?.slug ?? null,
          attempts: attemptsMade,
          reason: (failedReason ?? '').slice(0, 500),
          diedAt: new Date(finishedOn ?? 0).toISOString(),
        }))
      }),
    retry: (kind, id) =>
      at(kind, async (queue) => (await deadJob(queue, id)).retry('failed', { resetAttemptsMade: true })),
    discard: (kind, id) => at(kind, async (queue) => (await deadJob(queue, id)).remove()),
    forget: (kind, tenantId) =>
      at(kind, async (queue) => {
        const jobs = await queue.getJobs(['wait', 'prioritized', 'delayed', 'failed', 'completed'])
        const theirs = jobs.filter(({ data }) => data.tenant?.id === tenantId)
        for (const job of theirs) await job.remove()
        return theirs.length
      }),
  }
}

function jobOptions(
  settings: JobSettings,
  { attempts = settings.attempts, delay = 0 }: { attempts?: number | undefined; delay?: number | undefined },
): JobsOptions {
  return {
    attempts,
    delay,
    backoff: backoffOf(settings),
    removeOnComplete: true,
    removeOnFail: { age: settings.keepDead / 1_000 },
    stackTraceLimit: 1,
  }
}

/** BullMQ silently ignores an id that it still keeps: one that died is brought back to life instead. */
async function clearTheWay(queue: Queue<Envelope>, id: string): Promise<void> {
  const job = await queue.getJob(id)
  if (job && (await job.isFailed()))
    await job.retry('failed', { resetAttemptsMade: true }).catch(() => undefined)
}

async function deadJob(queue: Queue<Envelope>, id: string) {
  const job = await queue.getJob(id)
  if (!job || !(await job.isFailed())) throw jobNotDead(`${queue.name} has no dead job ${id}.`)
  return job
}

/** The three ways in which ioredis says that there is no connection. */
function isAway(error: Error, redis: Redis): boolean {
  return (
    redis.status !== 'ready' || /^(Command timed out|Connection is closed|Stream isn't)/.test(error.message)
  )
}
