import { decodeProtectedHeader } from 'jose'
import { newId } from '../../../kernel/ids.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import { openAccessTokens } from '../accessTokens.ts'
import { type KeyRing, openKeyRing } from '../keyRing.ts'
import type { MeasureParts } from '../measures.ts'
import { outcomeOf } from '../probing.ts'

const REALM = 'tenant:probe'
const CLAIMS = { sub: newId(), sid: newId() }
const HOUR = 3_600_000

/** CAST-35. On a ring of the probe's own with a clock of its own, read by two processes' worth of memory. */
export function jwtKid({ settings, keys, ringOptions }: MeasureParts): Measure {
  return measure({
    key: 'auth.jwt.kid',
    sources: ['CAST-35'],
    family: 'system-access',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.8.24'] },
    claim: {
      de: () =>
        'Signaturschlüssel tragen eine Kennung (kid) und werden ohne Unterbrechung gewechselt: der vorige gilt, bis sein letztes Token abgelaufen ist, dann nicht mehr.',
      en: () =>
        'Signing keys carry a name (kid) and are rotated without interruption: the previous one is accepted until its last token has expired, and no longer.',
    },
    async prove({ check, positiveControl, clock }) {
      const known = keys.accepted().map(({ kid }) => kid)
      check(
        'keys in force in this deployment',
        'one to three',
        known.length >= 1 && known.length <= 3 ? 'one to three' : known.length,
      )
      let ahead = 0
      const shifted = { now: () => new Date(clock.now().getTime() + ahead) }
      const open = () => openKeyRing({ ...ringOptions, ring: ringName, clock: shifted })
      const ringName = `probe-${newId()}`
      const rings = [await open(), await open()] as const
      const sides = rings.map((ring) => openAccessTokens(ring, settings.issuer, shifted))
      const [here, there] = sides as [(typeof sides)[0], (typeof sides)[0]]
      const asked = (token: string) => outcomeOf(there.verify(REALM, token))
      const issue = (life = HOUR) => here.issue(REALM, CLAIMS, life)
      try {
        const old = await issue(24 * HOUR)
        positiveControl('a token before the rotation', 'taken', await asked(old))
        check('both processes sign by', kidOf(old), rings[1].signer().kid)
        await rings[0].rotate()
        check('right after the rotation a token is signed by', kidOf(old), kidOf(await issue()))
        check('and taken where the rotation is not known yet', 'taken', await asked(await issue()))
        check('a second rotation meanwhile', 'rotation-under-way', await outcomeOf(rings[1].rotate()))
        await rings[1].reload()
        ahead += ringOptions.lead + 1_000
        const fresh = await issue(24 * HOUR)
        check('later a token is signed by another key', true, kidOf(fresh) !== kidOf(old))
        check('the new token', 'taken', await asked(fresh))
        check('the old token while the previous key is kept', 'taken', await asked(old))
        ahead += ringOptions.tokenLife
        check('the old token when the previous key is dropped', 'sign-in-refused', await asked(old))
        check('the new token then', 'taken', await asked(fresh))
        await rings[1].drop(kidOf(fresh))
        check('the new token after an emergency drop', 'sign-in-refused', await asked(fresh))
        await rings[0].reload()
        check('a token signed after that', 'taken', await asked(await issue()))
      } finally {
        await removeRing(rings[0])
      }
    },
  })
}

function kidOf(token: string): string {
  return String(decodeProtectedHeader(token).kid)
}

async function removeRing(ring: KeyRing): Promise<void> {
  await ring.reload()
  await ring.remove()
}
