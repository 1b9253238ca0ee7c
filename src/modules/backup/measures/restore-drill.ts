import { formatDuration } from '../../../kernel/duration.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import type { TenantRecord } from '../../tenancy/index.ts'
import { type DrillParts, drill } from '../drill.ts'
import { seeFailures } from '../seededFailures.ts'
import type { BackupSettings } from '../settings.ts'

type Drills = Pick<BackupSettings, 'mode' | 'drillEvery'>

/** FEST-32, PREZ-30. */
export function restoreDrill(parts: DrillParts): Measure<Drills> {
  const { mode, drillEvery } = parts.settings
  return measure<Drills>({
    key: 'restore.drill',
    sources: ['FEST-32', 'PREZ-30'],
    family: 'recoverability',
    maps: { gdpr: ['32(1)(c)', '32(1)(d)'], iso27001: ['A.8.13', 'A.5.30'] },
    settings: { mode, drillEvery },
    freshFor: drillEvery,
    timeout: 600_000,
    claim: {
      de: ({ drillEvery }) =>
        `Mindestens alle ${formatDuration(drillEvery, 'de')} wird eine Sicherung wirklich wiederhergestellt, in einen Prüfmandanten, und Zeile für Zeile verglichen.`,
      en: ({ drillEvery }) =>
        `At least every ${formatDuration(drillEvery, 'en')} a backup is really restored, into a trial tenant, and compared row by row.`,
    },
    async prove({ check, positiveControl, notApplicable, settings }) {
      if (settings.mode === 'snapshot')
        notApplicable('This deployment relies on snapshots of the whole machine.')
      for (const canary of await canariesToDrill(parts)) {
        const { checks, phases, slug } = await drill(parts, canary)
        for (const { what, expected, observed } of checks) check(`${slug}: ${what}`, expected, observed)
        check(`${slug}: every phase was gone through`, true, 'first answer' in phases)
        for (const { failure, seen } of await seeFailures(parts, canary))
          positiveControl(`${slug}: the same comparison sees ${failure}`, true, seen)
      }
    },
  })
}

/** One canary of each isolation model that has a backup; where none has, one is made. */
export async function canariesToDrill(parts: DrillParts): Promise<TenantRecord[]> {
  const canaries = (await parts.tenancy.list()).filter(
    ({ canary, slug }) => canary && /^canary-\w+-a$/.test(slug),
  )
  for (const canary of canaries)
    if ((await parts.catalogue.available(canary.id)).length === 0) await parts.backUp(canary)
  return canaries
}
