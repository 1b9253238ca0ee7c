import { sql } from 'drizzle-orm'
import { type Measure, measure } from '../../../proof/measure.ts'
import type { MeasureParts } from '../measures.ts'
import { familyOf, outcomeOf, refreshOutcome, type Visitor, withVisitors } from '../probing.ts'
import { openSessions } from '../sessions.ts'

/** Uses of one token at once. */
const AT_ONCE = 30

/** CAST-37. */
export function refreshTheft({ settings, people, parts, canaries }: MeasureParts): Measure {
  const { refreshTheftAt: at } = settings
  return measure({
    key: 'auth.refresh.theft',
    sources: ['CAST-37'],
    family: 'system-access',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.8.5', 'A.8.16'] },
    settings: { at },
    claim: {
      de: ({ at: n }) =>
        `Kehrt ein verbrauchter Refresh-Token im Toleranzfenster ${n}-mal wieder, gilt er als gestohlen: die ganze Familie wird gesperrt und der Vorfall vermerkt.`,
      en: ({ at: n }) =>
        `A spent refresh token that returns ${n} times within the grace window counts as stolen: its whole family is revoked and the event is recorded.`,
    },
    async prove({ check, positiveControl }) {
      const alarms: string[] = []
      const sessions = openSessions({ ...parts, onAlarm: (_realm, { session }) => void alarms.push(session) })
      await withVisitors(people, await canaries(), async (visitor, model) => {
        const { realm } = visitor
        const ask = (token: string) => refreshOutcome(sessions, realm, token)
        const other = await familyOf(sessions, people, visitor)
        const { refresh: first, session } = await familyOf(sessions, people, visitor)
        const { refresh: second, access } = await sessions.refresh(realm, first)
        for (let n = 1; n < at; n += 1)
          check(`${model}: return ${n} of the spent token`, 'taken', await ask(first))
        check(`${model}: return ${at}`, 'sign-in-refused', await ask(first))
        check(`${model}: the newest refresh token then`, 'sign-in-refused', await ask(second))
        check(
          `${model}: the access token then`,
          'sign-in-refused',
          await outcomeOf(sessions.whose(realm, access)),
        )
        check(
          `${model}: theft recorded, alarm raised`,
          [1, true],
          [await thefts(visitor, session), alarms.includes(session)],
        )
        positiveControl(`${model}: another session of the same person`, 'taken', await ask(other.refresh))
        const { refresh: raced } = await familyOf(sessions, people, visitor)
        const results = await Promise.all(Array.from({ length: AT_ONCE }, () => ask(raced)))
        const taken = results.filter((result) => result === 'taken').length
        check(`${model}: answered, of ${AT_ONCE} uses of one token at once`, at, taken)
      })
    },
  })
}

async function thefts({ realm, id }: Visitor, session: string): Promise<number> {
  const rows = await realm.transaction((run) =>
    run(sql`SELECT id FROM identity.event
      WHERE person_id = ${id} AND kind = 'refresh-theft' AND details->>'session' = ${session}`),
  )
  return rows.length
}
