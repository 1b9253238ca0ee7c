import type { Database } from '../../../data/index.ts'
import type { SqlClient } from '../../../data/sql.ts'
import { formatDuration } from '../../../kernel/duration.ts'
import { newId } from '../../../kernel/ids.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import { type ReviewRhythm, reviewsOwed } from '../review.ts'

/** Undoes what the probe planted. */
class Undo extends Error {}

/** FSTV-10. Whether people do it; what they find is theirs. */
export function auditReview(control: Database, rhythm: ReviewRhythm): Measure<ReviewRhythm> {
  return measure({
    key: 'audit.review',
    sources: ['FSTV-10'],
    family: 'review',
    maps: { gdpr: ['32(1)(d)'], iso27001: ['A.5.18', 'A.8.15'] },
    settings: rhythm,
    claim: {
      de: ({ every, within }) =>
        `Eine Stichprobe der Zugriffe der Verwaltung wird alle ${formatDuration(every, 'de')} von einem Menschen geprüft und unterschrieben. Fehlt die Unterschrift nach ${formatDuration(within, 'de')}, gilt diese Zusage hier als gebrochen.`,
      en: ({ every, within }) =>
        `A sample of administrative access is reviewed and signed by a person every ${formatDuration(every, 'en')}. Without a signature after ${formatDuration(within, 'en')} this promise counts as broken here.`,
    },
    async prove({ check, positiveControl, clock }) {
      const now = clock.now()
      const owed = await reviewsOwed(control, now, rhythm)
      const planted = await withUnsigned(control, now, (client) =>
        reviewsOwed(
          { query: async (text, values) => (await client.query(text, values as unknown[])).rows as never },
          now,
          rhythm,
        ),
      )
      positiveControl(
        'the same look sees one more that nobody signed in time',
        owed.unsigned + 1,
        planted.unsigned,
      )
      const later = await reviewsOwed(control, new Date(now.getTime() + 3 * rhythm.every), rhythm)
      positiveControl('and, on a later clock, periods without a review', true, later.unopened > 0)
      check('reviews that nobody signed in time', 0, owed.unsigned)
      check('periods that no review was opened for', 0, owed.unopened)
    },
  })
}

async function withUnsigned<T>(
  control: Database,
  now: Date,
  work: (client: SqlClient) => Promise<T>,
): Promise<T> {
  let result: T | undefined
  await control
    .transaction(async (client) => {
      const at = (days: number) => new Date(now.getTime() - days * 86_400_000)
      await client.query(
        `INSERT INTO review.period (id, from_at, to_at, due_at, entries, sample) VALUES ($1, $2, $3, $4, 0, '[]')`,
        [newId(), at(40_000), at(39_000), at(1)],
      )
      result = await work(client)
      throw new Undo()
    })
    .catch((error: unknown) => {
      if (!(error instanceof Undo)) throw error
    })
  return result as T
}
