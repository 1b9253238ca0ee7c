import type { Redis } from 'ioredis'
import { APP_CONNECTION } from '../../../data/index.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import { QUEUE_CONNECTION } from '../connections.ts'
import type { Trial } from '../trial.ts'

/** Seconds that the probe's blocking read waits. */
const BLOCKED = 1

/** What is looked at: the connections that are in use, and the key spaces of both sides. */
export interface Separated {
  app: Redis
  queue: Redis
  /** Of all keys of the queues. */
  prefix: string
}

/** CAST-64. */
export function redisSeparate(parts: () => Separated, openTrial: () => Promise<Trial>): Measure {
  return measure({
    key: 'redis.separate',
    sources: ['CAST-64'],
    family: 'availability',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.8.6'] },
    claim: {
      de: () =>
        'Die Warteschlange und die Anwendung haben je eigene Verbindungen zu Redis und je eigene Schlüssel; wartet die eine, antwortet die andere.',
      en: () =>
        'The job queue and the application each have their own connections to Redis and their own keys; while one waits, the other answers.',
    },
    async prove({ check, positiveControl }) {
      const { app, queue, prefix } = parts()
      check(
        'what Redis calls the two connections',
        [APP_CONNECTION, QUEUE_CONNECTION],
        [await app.client('GETNAME'), await queue.client('GETNAME')],
      )
      const trial = await openTrial()
      try {
        const key = `${trial.prefix}:nothing`
        const same = await firstOf(trial.redis, trial.redis, key)
        positiveControl('an answer on a connection that waits for work', 'after the wait', same)
        const apart = await firstOf(trial.redis, app, key)
        check("the application's answer while a queue's connection waits", 'at once', apart)
        await app.set(`${prefix}:probe`, 'the application', 'EX', 60, 'NX')
        const planted = await foreignKeys(queue, prefix)
        positiveControl("an application's key planted among the queue's", [`${prefix}:probe`], planted)
        await app.del(`${prefix}:probe`)
        check("keys among the queue's that are not of a queue", [], await foreignKeys(queue, prefix))
      } finally {
        await app.del(`${prefix}:probe`)
        await trial.close()
      }
      const policy = (await queue.config('GET', 'maxmemory-policy')) as string[]
      check('what Redis does with keys when its memory is full', 'noeviction', policy[1])
    },
  })
}

/** Lets `waiting` wait for work and asks `asked` meanwhile. Commands of one connection are answered in their order. */
async function firstOf(waiting: Redis, asked: Redis, key: string): Promise<'at once' | 'after the wait'> {
  const waited = waiting.bzpopmin(key, BLOCKED).then(() => 'after the wait' as const)
  const answered = asked.ping().then(() => 'at once' as const)
  const first = await Promise.race([waited, answered])
  await Promise.all([waited, answered])
  return first
}

/** BullMQ keeps a hash `meta` for each queue; what lies under the prefix and belongs to none of them is somebody else's. */
async function foreignKeys(redis: Redis, prefix: string): Promise<string[]> {
  const keys: string[] = []
  for await (const some of redis.scanStream({ match: `${prefix}:*`, count: 1_000 }))
    keys.push(...(some as string[]))
  const queues = new Set(keys.filter((key) => key.endsWith(':meta')).map((key) => key.slice(0, -5)))
  return [...new Set(keys)].filter((key) => !queues.has(key.split(':').slice(0, 2).join(':'))).sort()
}
