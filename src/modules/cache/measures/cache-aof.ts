import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { findRedis } from '../../../data/local/binaries.ts'
import { startRedis } from '../../../data/local/redis.ts'
import { type Measure, measure } from '../../../proof/measure.ts'

interface Fsync {
  fsync: 'everysec' | 'always'
}

/** Longer than the second that `everysec` may lose. */
const FLUSHED = 2_100

/** PREZ-31. The live server is only asked; the crash is tried on a throwaway server with the same persistence. */
export function cacheAof(settings: Fsync, redis: Redis): Measure<Fsync> {
  return measure<Fsync>({
    key: 'cache.aof',
    sources: ['PREZ-31'],
    family: 'availability',
    maps: { gdpr: ['32(1)(b)', '32(1)(c)'], iso27001: ['A.8.13'] },
    settings,
    claim: {
      de: ({ fsync }) =>
        `Redis schreibt jede Änderung in ein Protokoll auf der Platte (AOF, fsync ${fsync}).`,
      en: ({ fsync }) => `Redis writes every change to a log on disk (AOF, fsync ${fsync}).`,
    },
    async prove({ check, positiveControl, notObservable, settings: { fsync } }) {
      check('the running Redis keeps a log', 'yes', await setting(redis, 'appendonly'))
      check('the running Redis flushes it', fsync, await setting(redis, 'appendfsync'))
      if (!(await findRedis()))
        notObservable('NO_REDIS_BINARY', 'Without redis-server here no crash can be tried.')
      const lost = await surviveCrash({ appendonly: 'no' })
      positiveControl('a value written 2 s before kill -9 of a Redis without a log', null, lost)
      const kept = await surviveCrash({ appendonly: 'yes', appendfsync: fsync })
      check('a value written 2 s before kill -9 of a Redis with this persistence', 'kept', kept)
    },
  })
}

async function setting(redis: Redis, name: string): Promise<string | undefined> {
  return ((await redis.config('GET', name)) as string[])[1]
}

/** Writes, waits, kills a throwaway Redis with SIGKILL, starts it again and reads. */
async function surviveCrash(settings: Record<string, string>): Promise<string | null> {
  const dir = await mkdtemp(join(tmpdir(), 'surety-aof-'))
  const start = () => startRedis({ dir, settings, log: () => undefined })
  try {
    const first = await start()
    try {
      await ask(first, (client) => client.set('probe', 'kept'))
      await sleep(FLUSHED)
    } finally {
      await first.kill()
    }
    const second = await start()
    try {
      return await ask(second, (client) => client.get('probe'))
    } finally {
      await second.stop()
    }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

async function ask<T>(
  server: { path: string; password: string },
  question: (client: Redis) => Promise<T>,
): Promise<T> {
  const client = new Redis({ path: server.path, password: server.password })
  try {
    return await question(client)
  } finally {
    client.disconnect()
  }
}
