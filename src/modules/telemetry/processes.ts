import { hostname } from 'node:os'
import type { Redis } from 'ioredis'
import type { Clock } from '../../kernel/clock.ts'
import { isRunning } from '../../kernel/isRunning.ts'

/** A process of the deployment that gave a sign of life. */
export interface LiveProcess {
  kind: string
  host: string
  pid: number
  build: string
}

/** Which processes of the deployment live and which build each runs, on a Redis that all of them share. */
export interface Processes {
  beat(self: LiveProcess): Promise<unknown>
  leave(self: LiveProcess): Promise<unknown>
  /** Those heard of lately; of this machine only those that are still there. */
  live(): Promise<LiveProcess[]>
  /** Forgets all of them. */
  clear(): Promise<unknown>
}

/** Milliseconds between two signs of life of a process. */
export const BEAT_EVERY = 10_000

/** One that missed two signs is not counted; one that came back is. */
const LATELY = 2.5 * BEAT_EVERY
const FORGOTTEN = 3_600_000

/** `prefix` tells one deployment's processes from another's. */
export function openProcesses(redis: Redis, clock: Clock, prefix: string): Processes {
  const key = `${prefix}:processes`
  const nameOf = ({ kind, host, pid, build }: LiveProcess) => JSON.stringify({ kind, host, pid, build })
  const now = () => clock.now().getTime()
  return {
    beat: (self) =>
      redis
        .multi()
        .zadd(key, now(), nameOf(self))
        .zremrangebyscore(key, '-inf', now() - FORGOTTEN)
        .exec(),
    leave: (self) => redis.zrem(key, nameOf(self)),
    async live() {
      const names = await redis.zrangebyscore(key, now() - LATELY, '+inf')
      // One of this machine that was killed could not take its leave.
      const isThere = ({ host, pid }: LiveProcess) => host !== hostname() || isRunning(pid)
      return names.map((name): LiveProcess => JSON.parse(name)).filter(isThere)
    },
    clear: () => redis.del(key),
  }
}
