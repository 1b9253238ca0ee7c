import { Redis, type RedisOptions } from 'ioredis'
import type { Log } from '../kernel/log.ts'

/**
 * A Redis client that fails fast: while the server is away a command waits at most for one reconnect and then rejects,
 * so that no request hangs on the cache.
 */
export function openRedis(address: RedisOptions, log: Log): Redis {
  const redis = new Redis({
    ...address,
    lazyConnect: true,
    connectTimeout: 2_000,
    commandTimeout: 2_000,
    maxRetriesPerRequest: 1,
    retryStrategy: (attempt) => Math.min(50 * 2 ** attempt, 2_000),
  })
  let down = false
  redis.on('error', (error) => {
    if (!down) log.warn({ err: error }, 'redis is away')
    down = true
  })
  redis.on('ready', () => {
    if (down) log.info('redis is back')
    down = false
  })
  return redis
}
