import { type Measure, measure } from '../../../proof/measure.ts'
import { networkOf } from '../address.ts'
import type { MeasureParts } from '../measures.ts'
import { attemptFrom, strangeAddress, sweep } from '../probing.ts'

/** Attempts beyond the budget. */
const MORE = 70

/** CAST-43. */
export function ratelimitAtomic({ settings, parts, stores, edge, tenancy }: MeasureParts): Measure {
  const { attemptsPerAddress: amount } = settings
  return measure({
    key: 'ratelimit.atomic',
    sources: ['CAST-43'],
    family: 'system-access',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.8.5', 'A.8.26'] },
    settings: { amount },
    claim: {
      de: ({ amount: n }) =>
        `Das Ratenlimit prüft und zählt in einem einzigen Lua-Skript in Redis: von beliebig vielen gleichzeitigen Anmeldeversuchen einer Adresse kommen genau ${n} durch.`,
      en: ({ amount: n }) =>
        `The rate limit checks and counts in a single Lua script in Redis: of however many simultaneous sign-in attempts of one address exactly ${n} get through.`,
    },
    async prove({ check, positiveControl, signal }) {
      for (const { model, a } of await tenancy.canaries.open()) {
        const from = strangeAddress(6)
        const elsewhere = strangeAddress(4)
        const networks = [from, elsewhere].map((address) => parts.hasher.hash(networkOf(address)))
        try {
          const total = amount + MORE
          const answers = await Promise.all(Array.from({ length: total }, () => attemptFrom(edge, a, from)))
          signal.throwIfAborted()
          const refused = answers.filter(({ status }) => status === 429)
          check(`${model}: let through, of ${total} attempts at once`, amount, total - refused.length)
          const told = refused.filter(({ headers }) => Number(headers['retry-after']) > 0)
          check(`${model}: of the refused, told when to return`, refused.length, told.length)
          const other = await attemptFrom(edge, a, elsewhere)
          positiveControl(`${model}: an attempt of another address then`, 400, other.status)
        } finally {
          await sweep(stores.redis, networks)
        }
      }
    },
  })
}
