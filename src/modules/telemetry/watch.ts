import type { Redis } from 'ioredis'
import type { Clock } from '../../kernel/clock.ts'
import type { Alerts } from './alerts.ts'

/** Something that is to be so. */
export interface Condition {
  /** The name of the alert when it is not. */
  name: string
  holds(): Promise<boolean>
  canary?: boolean
}

/** Signs of life of the deployment's processes, on a Redis that all of them share. */
export interface Beats {
  beat(kind: string): Promise<unknown>
  forget(kind: string): Promise<unknown>
  /** That some process of this kind lives: heard of within `within` ms. Nobody is missed sooner than that after `since`. */
  alive(kind: string, within: number, since: Date): Condition['holds']
}

/** `prefix` tells one deployment's processes from another's. */
export function openBeats(redis: Redis, clock: Clock, prefix: string): Beats {
  const key = `${prefix}:beats`
  return {
    beat: (kind) => redis.hset(key, kind, clock.now().getTime()),
    forget: (kind) => redis.hdel(key, kind),
    alive: (kind, within, since) => async () => {
      const last = Math.max(Number(await redis.hget(key, kind)), since.getTime())
      return clock.now().getTime() - last <= within
    },
  }
}

/** Looks once: raises an alert for what is not so (also when it cannot be asked), ends it for what is so again. */
export async function look(conditions: readonly Condition[], alerts: Alerts): Promise<void> {
  for (const { name, holds, canary = false } of conditions) {
    const well = await holds().catch(() => false)
    if (well) await alerts.clear(name)
    else await alerts.raise({ name, details: {}, canary, lasting: true })
  }
}
