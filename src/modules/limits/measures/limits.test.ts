import { after, before, it } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import { edge } from '../../edge/index.ts'
import { identity } from '../../identity/index.ts'
import type { LimitParts } from '../guard.ts'
import { limits } from '../index.ts'

let platform: TestPlatform
let parts: LimitParts
before(async () => {
  platform = await testPlatform([proof, edge, limits, identity])
  await platform.serve()
  parts = platform.api('limits') as LimitParts
})
after(() => platform?.stop())

const prove = (key: string, sabotage: () => void, repair: () => unknown, seen: RegExp) =>
  proveBySabotage(platform.api('proof') as ProofApi, key, {
    sabotage: async () => sabotage(),
    repair: async () => repair(),
    seen,
  })

it('ratelimit.atomic goes red when checking and counting are two steps', () => {
  const { limiter } = parts
  const { admit } = limiter
  const { redis } = platform.stores
  return prove(
    'ratelimit.atomic',
    () => {
      limiter.admit = async (demands) =>
        Promise.all(
          demands.map(async ({ key, budget }) => {
            const used = Number((await redis.get(key)) ?? 0)
            // As far apart as the two steps are on a network, so that it fails on every machine.
            await setTimeout(20)
            const wait = used >= budget.amount ? 1_000 : 0
            if (wait === 0) await redis.set(key, used + 1, 'PX', budget.window)
            return { budget, remaining: Math.max(0, budget.amount - used - 1), reset: 1_000, wait }
          }),
        )
    },
    () => {
      limiter.admit = admit
    },
    /let through/,
  )
})

it('ip.hmac goes red when buckets are named by the address', () => {
  const { hasher } = parts
  const { hash } = hasher
  return prove(
    'ip.hmac',
    () => {
      hasher.hash = (text) => text
    },
    () => {
      hasher.hash = hash
    },
    /named by the address/,
  )
})

it('ip.not-stored goes red when refused attempts are noted with their address', () => {
  const { watch } = parts
  const { note } = watch
  const { clientAddress, hasher } = parts
  const { hash } = hasher
  let last = ''
  return prove(
    'ip.not-stored',
    () => {
      hasher.hash = (text) => {
        if (!text.includes('|')) last = text
        return hash(text)
      }
      watch.note = async () => void (await platform.stores.redis.set('noted', last, 'EX', 30))
    },
    async () => {
      hasher.hash = hash
      watch.note = note
      parts.clientAddress = clientAddress
      await platform.stores.redis.del('noted')
    },
    /hold the address of a visitor/,
  )
})

it('ip.normalise goes red when an address counts as it is written', () => {
  const { hasher } = parts
  const { hash } = hasher
  let n = 0
  return prove(
    'ip.normalise',
    () => {
      hasher.hash = (text) => hash(`${text}${text.endsWith('/64') ? n++ : ''}`)
    },
    () => {
      hasher.hash = hash
    },
    /another address of its \/64/,
  )
})

it('overload goes red when a flooding tenant is not slowed down', () => {
  const { limiter } = parts
  const { admit } = limiter
  return prove(
    'overload',
    () => {
      limiter.admit = async () => []
    },
    () => {
      limiter.admit = admit
    },
    /A is refused/,
  )
})

it('monitor.intrusion goes red when nobody watches', () => {
  const { watch } = parts
  const { note } = watch
  return prove(
    'monitor.intrusion',
    () => {
      watch.note = async () => undefined
    },
    () => {
      watch.note = note
    },
    /events after/,
  )
})
