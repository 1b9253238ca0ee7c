import Fastify from 'fastify'
import { type Measure, measure } from '../../../proof/measure.ts'
import type { Tenant } from '../../tenancy/index.ts'
import { networkOf } from '../address.ts'
import { bucketKey, limitGuard } from '../guard.ts'
import { openLoad } from '../load.ts'
import type { MeasureParts } from '../measures.ts'
import { strangeAddress, sweep } from '../probing.ts'

/** How long a flooding tenant stays over its budget at least (ms). */
const FLOODED = 5_000

/** CAST-61. */
export function overload({ settings, parts, stores, edge, tenancy }: MeasureParts): Measure {
  const { perTenant, window, inFlight } = settings
  const { redis } = stores
  const { tenant: budget } = parts.budgets
  return measure({
    key: 'overload',
    sources: ['CAST-61'],
    family: 'availability',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.8.6', 'A.8.14'] },
    settings: { perTenant, perMinute: Math.round((perTenant * 60_000) / window), inFlight },
    claim: {
      de: ({ perMinute }) =>
        `Ein Mandant, der mehr als ${perMinute} Anfragen in der Minute stellt, wird gebremst, ohne dass andere es merken; ein Prozess, der zu viel auf einmal zu tun hat, weist mit 503 ab statt stehenzubleiben.`,
      en: ({ perMinute }) =>
        `A tenant that sends more than ${perMinute} requests a minute is slowed down without others noticing; a process with too much to do at once refuses with 503 instead of standing still.`,
    },
    async prove({ check, positiveControl }) {
      for (const { model, a, b } of await tenancy.canaries.open()) {
        const from = strangeAddress(4)
        const ask = async ({ hosts }: Tenant) =>
          (await edge.request({ host: hosts[0] as string, path: '/api/v1/tenant', from })).status
        const key = bucketKey(budget, a.id)
        try {
          positiveControl(`${model}: A is answered before the flood`, 200, await ask(a))
          // What a flood leaves behind, without the flood: the bucket is full again only in a window and a bit.
          const [seconds = 0] = (await redis.time()) as number[]
          await redis.set(key, Number(seconds) * 1_000 + window + FLOODED, 'PX', window + FLOODED)
          check(`${model}: A is refused while it is over its budget`, 429, await ask(a))
          check(`${model}: B meanwhile`, 200, await ask(b))
        } finally {
          await redis.del(key)
          await sweep(redis, [parts.hasher.hash(networkOf(from))])
        }
      }
      const answers = await crowd(parts, 3)
      check('three requests at once at a process that takes two', [200, 200, 503], answers)
    },
  })
}

/** Statuses of `count` requests at once, with the guard that runs, at a process that takes no more than two. */
async function crowd(parts: MeasureParts['parts'], count: number): Promise<number[]> {
  const load = openLoad({ inFlight: 2, delay: Number.POSITIVE_INFINITY })
  const app = Fastify({ logger: false })
  const { promise: all, resolve: release } = Promise.withResolvers<void>()
  const probePassOf = () => ({ from: null })
  try {
    await app.register(async (inner) => {
      await limitGuard('trust', { ...parts, load, probePassOf })(inner, {})
      inner.get('/', async () => all)
    })
    await app.ready()
    const sent = Array.from({ length: count }, () =>
      app.inject('/').then(({ statusCode }) => {
        if (statusCode === 503) release()
        return statusCode
      }),
    )
    // Should none be refused, all are let go.
    setTimeout(release, 1_000).unref()
    return (await Promise.all(sent)).sort()
  } finally {
    load.stop()
    await app.close()
  }
}
