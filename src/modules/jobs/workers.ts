import { setTimeout as sleep } from 'node:timers/promises'
import { type Job, UnrecoverableError, WaitingError, Worker } from 'bullmq'
import type { Redis, RedisOptions } from 'ioredis'
import { guardOf, type Log } from '../../kernel/log.ts'
import { Problem } from '../../kernel/problems.ts'
import { traced } from '../../kernel/trace.ts'
import type { TenancyApi, Tenant } from '../tenancy/index.ts'
import { openWorkerConnections } from './connections.ts'
import type { AnyJob } from './job.ts'
import { jobSpan } from './jobSpan.ts'
import { keeperOfThisProcess } from './keeper.ts'
import type { Envelope } from './queues.ts'
import type { JobSettings } from './settings.ts'

const LOOK_AGAIN = 50

/** Something to be run again and again, without a queue. */
export interface Schedule {
  name: string
  ms: number
  run(signal: AbortSignal): Promise<void>
}

/** Jobs that this process runs. */
export interface Workers {
  /** Resolves when nothing runs any more; what runs longer than `patience` milliseconds is aborted and put back. */
  drain(patience: number): Promise<void>
}

interface Parts {
  address: RedisOptions
  settings: JobSettings
  bySlug: TenancyApi['bySlug']
  log: Log
}

/** Runs jobs of `kinds` and the `schedules` until drained. */
export async function startWorkers(
  kinds: readonly AnyJob[],
  schedules: readonly Schedule[],
  parts: Parts,
): Promise<Workers> {
  const { address, settings, log } = parts
  const connections = openWorkerConnections(address, log)
  const lock = { lockDuration: (settings.takeOver * 2) / 3, stalledInterval: settings.takeOver / 3 }
  const cut = new AbortController()
  const workers = kinds.map((kind) => {
    const { name, concurrency = 1, attempts = settings.attempts } = kind
    const worker = new Worker<Envelope>(
      name,
      (job, token) =>
        traced(
          () => jobSpan(name, job),
          () => runJob(kind, parts, { job, token, signal: cut.signal }),
        ),
      {
        connection: connections.redis,
        prefix: settings.prefix,
        name: `${keeperOfThisProcess()}-${process.pid}`,
        concurrency,
        ...lock,
        // A job that takes its worker down with it is given up like one that fails.
        maxStalledCount: attempts,
      },
    )
    worker.on('error', () => undefined) // its connection says so in the log, and it goes on
    worker.on('failed', (job, error) => sayFailed(log, name, job, error))
    return worker
  })
  const ending = new AbortController()
  const loops = schedules.map((schedule) => repeat(schedule, ending.signal, log))
  return {
    async drain(patience) {
      ending.abort()
      const tooLong = setTimeout(() => cut.abort(new Error('The process ends.')), patience)
      const closed = new AbortController()
      const closing = Promise.all([...loops, ...workers.map((worker) => worker.close())])
      const away = untilAway(connections.redis, patience + settings.waitFor, closed.signal)
      await Promise.race([closing, away])
      closed.abort()
      clearTimeout(tooLong)
      // Where Redis is away, what a worker still has to tell it waits for ever; the job is then begun anew elsewhere.
      connections.disconnect()
    },
  }
}

async function runJob(
  kind: AnyJob,
  { bySlug, log }: Parts,
  { job, token, signal }: { job: Job<Envelope>; token: string | undefined; signal: AbortSignal },
): Promise<void> {
  try {
    const data = kind.data.safeParse(job.data.data)
    if (!data.success) throw new UnrecoverableError(`Its data is not what ${kind.name} takes.`)
    await kind.run(data.data, {
      id: job.id ?? '',
      tenant: (await reenter(bySlug, job.data.tenant))?.as({ kind: 'system', id: kind.name }) ?? null,
      attempt: job.attemptsMade + 1,
      progress: (done, total) => job.updateProgress({ done, total }),
      signal,
    })
  } catch (error) {
    if (!signal.aborted) throw withoutSecrets(log, error)
    // The process ends, which is not the job's fault: no attempt is counted.
    await job.moveToWait(token)
    throw new WaitingError()
  }
}

/** Why a job failed stands in Redis and in the back-office: it holds no more than a log would. */
function withoutSecrets(log: Log, error: unknown): Error {
  const { scan, pseudonym, known } = guardOf(log)
  const told = error instanceof Error ? error : new Error(String(error))
  for (const part of ['message', 'stack'] as const) told[part] = scan(told[part] ?? '', pseudonym, known).line
  return told
}

/** The tenant as it is now: suspended since, or gone. A slug that meanwhile is another tenant's is not followed. */
async function reenter(bySlug: TenancyApi['bySlug'], named: Envelope['tenant']): Promise<Tenant | null> {
  if (!named) return null
  const tenant = await bySlug(named.slug).catch((error: unknown) => {
    if (error instanceof Problem && error.code === 'tenant-not-found') return undefined
    throw error
  })
  if (tenant?.id !== named.id) throw new UnrecoverableError(`The tenant ${named.slug} is gone.`)
  return tenant
}

function sayFailed(log: Log, kind: string, job: Job<Envelope> | undefined, error: Error): void {
  const dead = job?.finishedOn !== undefined
  const what = { kind, id: job?.id, attempts: job?.attemptsMade, reason: error.message }
  if (dead) log.error({ alarm: 'job-dead', ...what }, 'a job was given up')
  else log.warn(what, 'a job failed and is tried again')
}

/** Resolves when Redis has been away for `ms` milliseconds, or `signal` aborts. */
async function untilAway(redis: Redis, ms: number, signal: AbortSignal): Promise<void> {
  let since = performance.now()
  while (!signal.aborted && performance.now() - since < ms) {
    await sleep(LOOK_AGAIN, undefined, { signal }).catch(() => undefined)
    if (redis.status === 'ready') since = performance.now()
  }
}

async function repeat({ name, ms, run }: Schedule, signal: AbortSignal, log: Log): Promise<void> {
  while (!signal.aborted) {
    await traced(
      () => ({ name, kind: 'internal', parent: null }),
      () => run(signal),
    ).catch((error: unknown) => log.error({ err: error, name }, 'a scheduled run failed'))
    await sleep(ms, undefined, { signal }).catch(() => undefined)
  }
}
