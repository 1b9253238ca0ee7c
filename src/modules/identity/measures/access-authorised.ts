import { type Measure, measure } from '../../../proof/measure.ts'
import type { MeasureParts } from '../measures.ts'
import { familyOf, outcomeOf, PROBE, refreshOutcome, withProgram, withVisitors } from '../probing.ts'

/** FSTV-07, as far as a machine can show it: somebody leaves. Who should be authorised at all is reviewed by people. */
export function accessAuthorised(given: MeasureParts): Measure {
  const { people, sessions, apiTokens, serviceAccounts, canaries } = given
  return measure({
    key: 'access.authorised',
    sources: ['FSTV-07'],
    family: 'system-access',
    maps: { gdpr: ['32(4)'], iso27001: ['A.5.18', 'A.6.5'] },
    claim: {
      de: () =>
        'Wer nicht mehr berechtigt ist, Person oder Programm, verliert mit der Sperrung sofort jeden Zugang: Sitzungen, Token und Anmeldung.',
      en: () =>
        'Who is no longer authorised, a person or a program, loses all access the moment they are disabled: sessions, tokens and sign-in.',
    },
    async prove({ check, positiveControl }) {
      await withVisitors(people, await canaries(), async (visitor, model) => {
        const { realm, id, email, password } = visitor
        const { access, refresh } = await familyOf(sessions, people, visitor)
        const about = { name: 'probe', permissions: ['content.read'], life: 3_600_000 }
        const { token } = await apiTokens.issue(realm, id, about)
        const ways: [string, () => Promise<string>][] = [
          ['signing in', () => outcomeOf(people.signIn(realm, email, password))],
          ['the access token', () => outcomeOf(sessions.whose(realm, access))],
          ['the API token', () => outcomeOf(apiTokens.whose(realm, token))],
        ]
        for (const [what, attempt] of ways)
          positiveControl(`${model}: ${what}, while authorised`, 'taken', await attempt())
        await people.change(realm, id, { state: 'disabled' })
        for (const [what, attempt] of ways)
          check(`${model}: ${what}, after being disabled`, 'sign-in-refused', await attempt())
        check(
          `${model}: the refresh token, after being disabled`,
          'sign-in-refused',
          await refreshOutcome(sessions, realm, refresh),
        )
        await withProgram(given, realm, 'reader', async (program) => {
          const ask = () => outcomeOf(apiTokens.whose(realm, program.token))
          positiveControl(`${model}: a program, while authorised`, 'taken', await ask())
          const begun = sessions.begin(
            realm,
            { id: program.id, password: null },
            { device: 'probe', factors: ['pwd'] },
          )
          check(`${model}: a session of a program`, 'sign-in-refused', await outcomeOf(begun))
          await serviceAccounts.change(realm, program.id, { state: 'disabled' }, PROBE, () => undefined)
          check(`${model}: the program, after being disabled`, 'sign-in-refused', await ask())
        })
      })
    },
  })
}
