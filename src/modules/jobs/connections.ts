import { Redis, type RedisOptions } from 'ioredis'
import type { Log } from '../../kernel/log.ts'
import { jobsUnavailable } from './problems.ts'

/** What Redis calls the connections of the queue. */
export const QUEUE_CONNECTION = 'surety-jobs'
export const WORKER_CONNECTION = 'surety-jobs-work'

const COMMAND_MS = 2_000
const retryStrategy = (attempt: number) => Math.min(50 * 2 ** attempt, 2_000)

/**
 * The connection that adds jobs and looks at them. It keeps nothing back while Redis is away: a command that was
 * answered by an error must not be carried out later.
 */
export function openQueueConnection(address: RedisOptions, log: Log): Redis {
  const redis = new Redis({
    ...address,
    connectionName: QUEUE_CONNECTION,
    lazyConnect: true,
    enableOfflineQueue: false,
    connectTimeout: COMMAND_MS,
    commandTimeout: COMMAND_MS,
    maxRetriesPerRequest: 1,
    retryStrategy,
  })
  return logged(redis, log)
}

/** The connection that runs jobs, with those that BullMQ opens beside it, one for each kind, to wait on. */
export function openWorkerConnections(address: RedisOptions, log: Log): { redis: Redis; disconnect(): void } {
  const options = { ...address, connectionName: WORKER_CONNECTION, maxRetriesPerRequest: null, retryStrategy }
  const redis = logged(new Redis(options), log)
  const all = [redis]
  const { duplicate } = redis
  redis.duplicate = (override) => {
    const another = duplicate.call(redis, override)
    all.push(another)
    return another
  }
  return {
    redis,
    disconnect() {
      for (const one of all) one.disconnect()
    },
  }
}

/** Waits until `redis` is ready, for `ms` milliseconds at most. Throws a Problem `jobs-unavailable`. */
export async function untilReady(redis: Redis, ms: number): Promise<void> {
  if (redis.status === 'ready') return
  if (redis.status === 'wait') void redis.connect().catch(() => undefined)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const tooLong = setTimeout(() => reject(jobsUnavailable('Redis does not answer; try again later.')), ms)
  redis.once('ready', resolve)
  try {
    await promise
  } finally {
    clearTimeout(tooLong)
    redis.off('ready', resolve)
  }
}

function logged(redis: Redis, log: Log): Redis {
  let down = false
  redis.on('error', (error) => {
    if (!down) log.warn({ err: error }, 'the queue is away')
    down = true
  })
  redis.on('ready', () => {
    down = false
  })
  return redis
}
