import { GetBucketLifecycleConfigurationCommand, type LifecycleRule } from '@aws-sdk/client-s3'
import { type Measure, measure } from '../../../proof/measure.ts'
import { type Bucket, bucketOf } from '../bucket.ts'
import type { BackupSettings } from '../settings.ts'

interface Tiers {
  tiers: Bucket['tiers']
  days: number
}

const DAY = 86_400_000

/** PREZ-27. */
export function backupLifecycle(
  given: Bucket | undefined,
  { keepFor, archiveFor }: BackupSettings,
): Measure<Tiers> {
  const days = Math.ceil((archiveFor ?? keepFor) / DAY)
  return measure<Tiers>({
    key: 'backup.lifecycle',
    sources: ['PREZ-27'],
    family: 'availability',
    maps: { gdpr: ['5(1)(e)'], iso27001: ['A.8.10', 'A.8.13'] },
    settings: { tiers: given?.tiers ?? [], days },
    claim: {
      de: ({ tiers, days }) =>
        `Ältere Sicherungen wandern in günstigere Speicherklassen (${describe(tiers, 'de')}) und verfallen nach ${days} Tagen.`,
      en: ({ tiers, days }) =>
        `Older backups move to cheaper storage classes (${describe(tiers, 'en')}) and expire after ${days} days.`,
    },
    async prove(context) {
      const { check, positiveControl, notApplicable, settings } = context
      const { client, bucket: Bucket, tiers } = bucketOf(given, context)
      if (tiers.length === 0) notApplicable('The settings name no storage classes (backup.s3.tiers).')
      const { Rules = [] } = await client
        .send(new GetBucketLifecycleConfigurationCommand({ Bucket }))
        .catch(() => ({ Rules: [] as LifecycleRule[] }))
      check('the rules of the bucket', settings, read(Rules))
      positiveControl('the same reading of a bucket without rules', { tiers: [], days: null }, read([]))
    },
  })
}

function describe(tiers: Bucket['tiers'], language: 'de' | 'en'): string {
  const word = language === 'de' ? 'nach' : 'after'
  const unit = language === 'de' ? 'Tagen' : 'days'
  return tiers.map(({ days, storageClass }) => `${storageClass} ${word} ${days} ${unit}`).join(', ')
}

function read(rules: readonly LifecycleRule[]) {
  const enabled = rules.filter(({ Status }) => Status === 'Enabled')
  const tiers = enabled
    .flatMap(({ Transitions = [] }) => Transitions)
    .map(({ Days = 0, StorageClass = '' }) => ({ days: Days, storageClass: StorageClass as string }))
    .sort((a, b) => a.days - b.days)
  const ends = enabled.flatMap(({ Expiration }) => Expiration?.Days ?? [])
  return { tiers, days: ends.length > 0 ? Math.max(...ends) : null }
}
