import { createHmac } from 'node:crypto'
import { type Measure, measure } from '../../../proof/measure.ts'
import { networkOf, openHasher } from '../address.ts'
import type { MeasureParts } from '../measures.ts'
import { attemptFrom, keysLike, strangeAddress, sweep } from '../probing.ts'

/** CAST-07. */
export function ipHmac({ settings, stores, edge, tenancy, salt, clock }: MeasureParts): Measure {
  const { saltRotation: rotation } = settings
  const { redis } = stores
  return measure({
    key: 'ip.hmac',
    sources: ['CAST-07'],
    family: 'encryption',
    maps: { gdpr: ['32(1)(a)', '25(1)'], iso27001: ['A.8.11'] },
    settings: { rotation },
    claim: {
      de: () =>
        'Das Ratenlimit kennt IP-Adressen nur als HMAC-SHA-256 unter einem geheimen Salt, der regelmäßig wechselt; ohne Salt startet es nicht.',
      en: () =>
        'The rate limit knows IP addresses only as HMAC-SHA-256 under a secret salt that changes regularly; without a salt it does not start.',
    },
    async prove({ check, positiveControl }) {
      const [pair] = await tenancy.canaries.open()
      if (!pair) throw new Error('There is no canary.')
      const from = strangeAddress(4)
      const expected = recompute(salt, clock.now().getTime(), rotation, from)
      const foreign = recompute(`another ${salt}`, clock.now().getTime(), rotation, from)
      try {
        await attemptFrom(edge, pair.a, from)
        const named = async (text: string) => (await keysLike(redis, `limit:*${text}*`)).length > 0
        check('a bucket is named by the HMAC of the address', true, await named(expected))
        check('one is named by the HMAC under another salt', false, await named(foreign))
        check('one is named by the address', false, await named(from))
        await redis.set(`limit:{limits}:address:${from}`, '1', 'EX', 60)
        positiveControl('a bucket named by the address, planted', true, await named(from))
        const later = recompute(salt, clock.now().getTime() + rotation, rotation, from)
        check('its name is the same after the salt changed', false, later === expected)
        check('a start without a salt', 'limits-salt', startWith('', rotation))
      } finally {
        await redis.del(`limit:{limits}:address:${from}`)
        await sweep(redis, [expected, networkOf(from)])
      }
    },
  })
}

/** RFC 2104 by hand, so that the probe does not trust the code that it attacks. */
function recompute(secret: string, now: number, rotation: number, address: string): string {
  const salt = createHmac('sha256', secret)
    .update(`salt|${Math.floor(now / rotation)}`)
    .digest()
  return createHmac('sha256', salt).update(address).digest('base64url')
}

function startWith(secret: string, rotation: number): string {
  try {
    openHasher(secret, rotation, { now: () => new Date(0) })
    return 'started'
  } catch (error) {
    return (error as { code: string }).code
  }
}
