import { decodeJwt } from 'jose'
import { formatDuration } from '../../../kernel/duration.ts'
import { newId } from '../../../kernel/ids.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import { openAccessTokens } from '../accessTokens.ts'
import { es256 } from '../forgeries.ts'
import { openImpersonations } from '../impersonations.ts'
import type { MeasureParts } from '../measures.ts'
import { outcomeOf, withVisitor, withVisitors } from '../probing.ts'

const REASON = 'a probe of this measure'

/** PREZ-23. */
export function impersonationTtl(given: MeasureParts): Measure {
  const { settings, people, sessions, impersonations, keys, operators, canaries } = given
  const life = settings.impersonationLife
  return measure({
    key: 'impersonation.ttl',
    sources: ['PREZ-23'],
    family: 'data-access',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.8.2'] },
    settings: { life },
    claim: {
      de: ({ life: ms }) =>
        `Zugriff im Namen eines Benutzers endet nach ${formatDuration(ms, 'de')} und lässt sich nicht verlängern.`,
      en: ({ life: ms }) =>
        `Acting in the name of a user ends after ${formatDuration(ms, 'en')} and cannot be renewed.`,
    },
    async prove({ check, positiveControl, clock }) {
      const at = (ahead: number) => {
        const shifted = { now: () => new Date(clock.now().getTime() + ahead) }
        const access = openAccessTokens(keys, settings.issuer, shifted)
        return { access, impersonations: openImpersonations({ access, operators, clock: shifted, life }) }
      }
      const [before, after] = [at(life - 1_000), at(life + 6_000)] // clocks may differ by 5 s
      await withVisitor(
        people,
        operators,
        async (operator) => {
          await withVisitors(people, await canaries(), async ({ realm, email }, model) => {
            const actor = { id: operator.id, email: operator.email }
            const started = await impersonations.start(realm, actor, { email, reason: REASON })
            const { token } = started
            const ask = async (when: typeof before) =>
              when.impersonations.whose(realm, await when.access.verify(realm.name, token))
            const { exp = 0, iat = 0 } = decodeJwt(token)
            check(`${model}: seconds that the token lives`, life / 1000, exp - iat)
            positiveControl(
              `${model}: the token a second before the end`,
              'taken',
              await outcomeOf(ask(before)),
            )
            check(`${model}: the token after the end`, 'sign-in-refused', await outcomeOf(ask(after)))
            const longer = signedOn(given, token, exp + 3_600)
            const forged = async () =>
              after.impersonations.whose(realm, await after.access.verify(realm.name, longer))
            check(`${model}: a token that claims an hour more`, 'sign-in-refused', await outcomeOf(forged()))
            check(
              `${model}: what is given beside the token`,
              ['expiresAt', 'id'],
              Object.keys(started)
                .filter((name) => name !== 'token')
                .toSorted(),
            )
            check(
              `${model}: the token to be refreshed`,
              'sign-in-refused',
              await outcomeOf(sessions.refresh(realm, token)),
            )
            const made = `${started.id}.0.${newId()}`
            check(
              `${model}: a refresh token of one's making`,
              'sign-in-refused',
              await outcomeOf(sessions.refresh(realm, made)),
            )
            await impersonations.end(realm, started.id)
            const now = at(0)
            check(
              `${model}: the token once the impersonation was ended`,
              'sign-in-refused',
              await outcomeOf(ask(now)),
            )
          })
        },
        { role: 'support' },
      )
    },
  })
}

/** As if the signing key itself were in the wrong hands: the database still knows when it ends. */
function signedOn({ keys }: MeasureParts, token: string, exp: number): string {
  const { kid, privateKey } = keys.signer()
  return es256({ alg: 'ES256', kid, typ: 'at+jwt' }, { ...decodeJwt(token), exp }, privateKey())
}
