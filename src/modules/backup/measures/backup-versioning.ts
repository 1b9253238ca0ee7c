import { type Measure, measure } from '../../../proof/measure.ts'
import { type Bucket, bucketOf } from '../bucket.ts'
import { attackVersions } from '../versions.ts'

/** PREZ-26. */
export function backupVersioning(given: Bucket | undefined): Measure {
  return measure({
    key: 'backup.versioning',
    sources: ['PREZ-26'],
    family: 'availability',
    maps: { gdpr: ['32(1)(b)', '32(1)(c)'], iso27001: ['A.8.13'] },
    claim: {
      de: () =>
        'Sicherungen liegen versioniert: was überschrieben oder gelöscht wird, ist in seiner früheren Fassung noch da.',
      en: () => 'Backups are versioned: what is overwritten or deleted is still there as it was before.',
    },
    async prove(context) {
      await attackVersions(bucketOf(given, context), context)
    },
  })
}
