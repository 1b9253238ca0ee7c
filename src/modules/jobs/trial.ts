import type { Redis, RedisOptions } from 'ioredis'
import { newId } from '../../kernel/ids.ts'
import type { Log } from '../../kernel/log.ts'
import type { TenancyApi } from '../tenancy/index.ts'
import { openQueueConnection, untilReady } from './connections.ts'
import type { AnyJob } from './job.ts'
import { openQueues, type Queues } from './queues.ts'
import type { JobSettings } from './settings.ts'
import { startWorkers, type Workers } from './workers.ts'

/** Queues beside the deployment's own, for a probe, with the settings that are in force. */
export interface Trial {
  queues: Queues
  redis: Redis
  /** Of all its keys in Redis. */
  prefix: string
  /** Runs jobs of these kinds in this process. */
  work(kinds: readonly AnyJob[]): Promise<void>
  /** Ends it and removes whatever it left in Redis. */
  close(): Promise<void>
}

/** Opens them on a connection of their own. */
export async function openTrial(parts: {
  address: RedisOptions
  settings: JobSettings
  bySlug: TenancyApi['bySlug']
  log: Log
}): Promise<Trial> {
  const prefix = `${PROBE_PREFIX}${newId()}`
  const settings = { ...parts.settings, prefix }
  // What a probe lets fail is nobody's alarm.
  const log = parts.log.child({}, { level: 'silent' })
  const redis = openQueueConnection(parts.address, log)
  await untilReady(redis, settings.waitFor)
  let workers: Workers | undefined
  return {
    queues: openQueues(redis, settings),
    redis,
    prefix,
    async work(kinds) {
      workers = await startWorkers(kinds, [], { ...parts, settings, log })
    },
    async close() {
      await workers?.drain(0)
      await removeKeys(redis, prefix)
      redis.disconnect()
    },
  }
}

/** Begins the prefix of queues that a probe made. */
export const PROBE_PREFIX = 'probe-'

async function removeKeys(redis: Redis, prefix: string): Promise<void> {
  for await (const keys of redis.scanStream({ match: `${prefix}:*`, count: 1_000 }))
    if (keys.length > 0) await redis.unlink(...(keys as string[]))
}
