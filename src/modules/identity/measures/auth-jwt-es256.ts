import { decodeProtectedHeader } from 'jose'
import { formatDuration } from '../../../kernel/duration.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import { es256, forgedTokens } from '../forgeries.ts'
import type { MeasureParts } from '../measures.ts'
import { outcomeOf, withVisitors } from '../probing.ts'

/** CAST-34. */
export function jwtEs256({ settings, people, sessions, keys, canaries }: MeasureParts): Measure {
  const { accessLife } = settings
  return measure({
    key: 'auth.jwt.es256',
    sources: ['CAST-34'],
    family: 'system-access',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.8.5', 'A.8.24'] },
    settings: { accessLife },
    claim: {
      de: ({ accessLife: ms }) =>
        `Zugriffstoken sind mit ES256 signiert, gelten ${formatDuration(ms, 'de')} und nur solange ihre Sitzung besteht; kein anderes Verfahren wird angenommen.`,
      en: ({ accessLife: ms }) =>
        `Access tokens are signed by ES256, last ${formatDuration(ms, 'en')} and only as long as their session; no other algorithm is accepted.`,
    },
    async prove({ check, positiveControl }) {
      const { publicJwk, publicKey, privateKey } = keys.signer()
      check('the published key', ['EC', 'P-256', 'ES256'], [publicJwk.kty, publicJwk.crv, publicJwk.alg])
      check(
        'the private half of a published key',
        [],
        keys.accepted().filter(({ publicJwk }) => 'd' in publicJwk),
      )
      await withVisitors(people, await canaries(), async ({ realm, id }, model) => {
        const person = { id, password: await people.passwordHashOf(realm, id) }
        const tokens = await sessions.begin(realm, person, { device: 'probe', factors: ['pwd'] })
        const token = tokens.access
        const ask = (credential: string) => outcomeOf(sessions.whose(realm, credential))
        check(`${model}: the header of a new token`, 'ES256', decodeProtectedHeader(token).alg)
        positiveControl(`${model}: the token itself`, 'taken', await ask(token))
        const header = decodeProtectedHeader(token) as Record<string, unknown>
        const forged = forgedTokens({ token, publicJwk, publicKey }, (claims) =>
          es256(header, claims, privateKey()),
        )
        const taken: string[] = []
        for (const [what, forgery] of forged) if ((await ask(forgery)) !== 'sign-in-refused') taken.push(what)
        check(`${model}: forged tokens that were taken, of ${forged.length}`, [], taken)
        await sessions.end(realm, id, tokens.session)
        check(`${model}: the token after its session ended`, 'sign-in-refused', await ask(token))
      })
    },
  })
}
