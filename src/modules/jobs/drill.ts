import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { z } from 'zod'
import type { JobDefinition } from './job.ts'
import type { Trial } from './trial.ts'

const DRILL = 'jobs.drill'
const LOOK_AGAIN = 100

/** A job of a probe's, that a worker of the probe's has in hand until it is let go. */
export interface Drill {
  /** Under which that worker looks for jobs: its setting `jobs.prefix`. */
  prefix: string
  /** Process ids of those that began the job, once there are `count` or `ms` milliseconds are over. */
  begun(count: number, ms: number): Promise<number[]>
  /** The job may end. */
  letGo(): Promise<void>
  /** Process ids of those that ended it, once there is one or `ms` milliseconds are over. */
  done(ms: number): Promise<number[]>
  /** Jobs that wait, now or later, or were given up. */
  left(): Promise<number>
  close(): Promise<void>
}

/** What workers of probes do: says who began it, waits to be let go, says who ended it. */
export function drillKind(redis: Redis): JobDefinition<z.ZodString> {
  return {
    name: DRILL,
    data: z.string(),
    async run(prefix, { signal }) {
      await redis.rpush(begunKey(prefix), process.pid)
      while (!(await redis.exists(goKey(prefix)))) await sleep(LOOK_AGAIN, undefined, { signal })
      await redis.rpush(doneKey(prefix), process.pid)
    },
  }
}

/** Adds such a job to queues of its own. */
export async function openDrill(openTrial: () => Promise<Trial>): Promise<Drill> {
  const { prefix, redis, queues, close } = await openTrial()
  const pids = async (key: string, count: number, ms: number) => {
    for (const deadline = performance.now() + ms; ; await sleep(LOOK_AGAIN)) {
      const found = await redis.lrange(key, 0, -1)
      if (found.length >= count || performance.now() > deadline) return found.map(Number)
    }
  }
  await queues.add(DRILL, { tenant: null, data: prefix }, {})
  return {
    prefix,
    begun: (count, ms) => pids(begunKey(prefix), count, ms),
    letGo: async () => void (await redis.set(goKey(prefix), 'yes')),
    done: (ms) => pids(doneKey(prefix), 1, ms),
    async left() {
      const { waiting, delayed, dead } = await queues.counts(DRILL)
      return waiting + delayed + dead
    },
    close,
  }
}

const begunKey = (prefix: string): string => `${prefix}:drill:begun`
const goKey = (prefix: string): string => `${prefix}:drill:go`
const doneKey = (prefix: string): string => `${prefix}:drill:done`
