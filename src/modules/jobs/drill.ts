import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { z } from 'zod'
import type { JobDefinition } from './job.ts'

/** The job that a probe has done by a worker that it kills: says who began it, waits to be let go, says who ended it. */
export const DRILL = 'jobs.drill'

const LOOK_AGAIN = 100

/** Its data is the prefix of the keys by which probe and worker talk. */
export function drill(redis: Redis): JobDefinition<z.ZodString> {
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

/** Process ids of those that began and ended it; any value at the second lets it end. */
export const begunKey = (prefix: string): string => `${prefix}:drill:begun`
export const goKey = (prefix: string): string => `${prefix}:drill:go`
export const doneKey = (prefix: string): string => `${prefix}:drill:done`
