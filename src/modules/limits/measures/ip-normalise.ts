import { type Measure, measure } from '../../../proof/measure.ts'
import { networkOf } from '../address.ts'
import type { MeasureParts } from '../measures.ts'
import { attemptFrom, leftOf, strangeAddress, sweep } from '../probing.ts'

/** CAST-09. */
export function ipNormalise({ settings, parts, stores, edge, tenancy }: MeasureParts): Measure {
  const full = settings.attemptsPerAddress - 1
  return measure({
    key: 'ip.normalise',
    sources: ['CAST-09'],
    family: 'system-access',
    maps: { gdpr: ['25(1)'], iso27001: ['A.8.11'] },
    claim: {
      de: () => 'Vor dem Hashen wird eine IPv4-Adresse als /32 und eine IPv6-Adresse als /64 genommen.',
      en: () => 'Before hashing, an IPv4 address counts as its /32 and an IPv6 address as its /64.',
    },
    async prove({ check, positiveControl }) {
      const [pair] = await tenancy.canaries.open()
      if (!pair) throw new Error('There is no canary.')
      const v4 = strangeAddress(4)
      const prefix = strangeAddress(6).split('::')[0] as string
      const next = `${prefix.slice(0, -1)}${prefix.endsWith('0') ? '1' : '0'}`
      const froms = [v4, `${prefix}::1`, `${next}::1`]
      const left = async (from: string) => leftOf(await attemptFrom(edge, pair.a, from), 'attempts')
      try {
        positiveControl('left to an IPv6 address after its first attempt', full, await left(`${prefix}::1`))
        check('left to another address of its /64', full - 1, await left(`${prefix}:ffff:0:9:1`))
        check('left to an address of the next /64', full, await left(`${next}::1`))
        check('left to an IPv4 address after its first attempt', full, await left(v4))
        check('left to the same address written as IPv6', full - 1, await left(`::ffff:${v4}`))
      } finally {
        await sweep(
          stores.redis,
          [...froms, `${prefix}:ffff:0:9:1`, `::ffff:${v4}`].map((from) =>
            parts.hasher.hash(networkOf(from)),
          ),
        )
      }
    },
  })
}
