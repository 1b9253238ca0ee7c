import { formatDuration } from '../../../kernel/duration.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import type { MeasureParts } from '../measures.ts'
import { familyOf, refreshOutcome, withVisitors } from '../probing.ts'
import { openSessions } from '../sessions.ts'

/** CAST-36. The probe's clock runs ahead; the sessions are the running ones but for that. */
export function refreshFamilyMeasure({ settings, people, parts, canaries }: MeasureParts): Measure {
  const { refreshGrace: grace } = settings
  return measure({
    key: 'auth.refresh.family',
    sources: ['CAST-36'],
    family: 'system-access',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.8.5'] },
    settings: { grace },
    claim: {
      de: ({ grace: ms }) =>
        `Refresh-Token werden bei jeder Nutzung ersetzt und gehören zu einer Familie; der vorige wird noch ${formatDuration(ms, 'de')} lang beantwortet (Zähler in Redis, maßgeblich ist Postgres). Danach beendet seine Wiederkehr die Sitzung.`,
      en: ({ grace: ms }) =>
        `Refresh tokens are replaced at each use and belong to a family; the one before is answered for another ${formatDuration(ms, 'en')} (counted in Redis, Postgres decides). Its return after that ends the session.`,
    },
    async prove({ check, positiveControl, clock }) {
      let ahead = 0
      const shifted = { now: () => new Date(clock.now().getTime() + ahead) }
      const sessions = openSessions({ ...parts, clock: shifted, onAlarm: () => undefined })
      await withVisitors(people, await canaries(), async (visitor, model) => {
        const { realm } = visitor
        const ask = (token: string) => refreshOutcome(sessions, realm, token)
        const first = (await familyOf(sessions, people, visitor)).refresh
        const second = (await sessions.refresh(realm, first)).refresh
        check(`${model}: a refresh gives another token`, true, second !== first)
        ahead += grace - 1_000
        const again = await sessions.refresh(realm, first).catch(() => undefined)
        check(`${model}: the old token 1 s before the end of the window`, second, again?.refresh ?? 'refused')
        ahead += 2_000
        positiveControl(`${model}: the newest token 1 s after the window`, 'taken', await ask(second))
        check(`${model}: a token two generations old`, 'sign-in-refused', await ask(first))
        const late = (await familyOf(sessions, people, visitor)).refresh
        const newest = (await sessions.refresh(realm, late)).refresh
        ahead += grace + 1_000
        check(`${model}: the old token 1 s after the window`, 'sign-in-refused', await ask(late))
        check(`${model}: the newest of that family then`, 'sign-in-refused', await ask(newest))
        const held = (await familyOf(sessions, people, visitor)).refresh
        const changed = `${held.slice(0, -1)}${held.endsWith('A') ? 'B' : 'A'}`
        check(`${model}: a changed token`, 'sign-in-refused', await ask(changed))
        check(
          `${model}: a later generation of the forger's making`,
          'sign-in-refused',
          await ask(held.replace('.0.', '.1.')),
        )
        check(`${model}: the real one, which forgeries must not end`, 'taken', await ask(held))
        ahead = 0
      })
    },
  })
}
