import { formatDuration } from '../../../kernel/duration.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import type { TenantRecord } from '../../tenancy/index.ts'
import type { BackupRecord } from '../catalogue.ts'
import { type DrillParts, drill } from '../drill.ts'
import { readManifest } from '../manifest.ts'
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

/** One canary of each isolation model, with a backup that holds something which could be missed; made where there is none. */
export async function canariesToDrill(parts: DrillParts): Promise<TenantRecord[]> {
  await parts.tenancy.canaries.open()
  const canaries = (await parts.tenancy.list()).filter(
    ({ canary, slug }) => canary && /^canary-\w+-a$/.test(slug),
  )
  for (const canary of canaries) {
    const [newest] = await parts.catalogue.available(canary.id)
    if (!newest || (await isEmpty(parts, newest))) await parts.backUp(canary)
  }
  return canaries
}

/** Whether it was made before the canary had its row. One that cannot be read is for the drill to tell. */
async function isEmpty(parts: DrillParts, { tenantId, id }: BackupRecord): Promise<boolean> {
  const manifest = await readManifest(parts, tenantId, id).catch(() => undefined)
  return manifest?.tables.find(({ name }) => name === 'tenancy.canary')?.rows === 0
}
