import { type CanaryPair, type Measure, markerOf, measure } from '../../../src/index.ts'
import { secretOf } from '../canary.ts'
import { listPerformances } from '../catalogue.ts'

/** Every canary has a published performance and one that is not. */
export function festivalLineupPublished(canaries: () => Promise<CanaryPair[]>): Measure {
  return measure({
    key: 'festival.lineup.published',
    sources: [],
    family: 'data-access',
    maps: { gdpr: ['32(1)(b)'] },
    claim: {
      de: () => 'Unveröffentlichte Auftritte sieht nur der Veranstalter.',
      en: () => 'Performances that are not published are seen by the organiser alone.',
    },
    async prove({ check, positiveControl }) {
      const everything = { from: new Date(0), until: new Date('9999-01-01'), limit: 1_000 }
      for (const { model, a } of await canaries()) {
        const seen = await a.query(listPerformances, everything)
        const titles = seen.map(({ title }) => title)
        const [shown, secret] = [markerOf(a), secretOf(markerOf(a))]
        positiveControl(`${model}: the published performance is seen`, true, titles.includes(shown))
        check(`${model}: the unpublished one is seen`, false, titles.includes(secret))
      }
    },
  })
}
