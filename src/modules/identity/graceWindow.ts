import type { Stores } from '../../data/index.ts'

/** Counts how often a spent refresh token comes back inside its window. */
export interface GraceWindow {
  /** Counts one return and says how many there were; undefined when Redis does not answer in time. */
  count(key: string): Promise<number | undefined>
}

/** One step, so that a crash never leaves a counter without an end. */
const COUNT = `local n = redis.call('INCR', KEYS[1])
if n == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return n`

/** Milliseconds to wait for Redis: Postgres counts as well, so its answer is welcome but not needed. */
const PATIENCE = 100

/** Counters in Redis that live for `window` ms. */
export function openGraceWindow(redis: Stores['redis'], window: number): GraceWindow {
  return {
    async count(key) {
      if (redis.status !== 'ready') return undefined
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<undefined>((resolve) => {
        timer = setTimeout(() => resolve(undefined), PATIENCE)
      })
      const counted = redis.eval(COUNT, 1, `identity:grace:${key}`, window).then(Number, () => undefined)
      return Promise.race([counted, late]).finally(() => clearTimeout(timer))
    },
  }
}
