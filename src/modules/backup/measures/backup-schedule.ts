import { shiftedClock } from '../../../kernel/clock.ts'
import { formatDuration } from '../../../kernel/duration.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import type { TenancyApi } from '../../tenancy/index.ts'
import { listArchive } from '../archive.ts'
import type { BackupParts } from '../backUp.ts'
import { overdueTenants } from '../schedule.ts'
import type { BackupSettings } from '../settings.ts'
import { isTrial } from '../trial.ts'

type Schedule = Pick<BackupSettings, 'mode' | 'every' | 'grace' | 'compression' | 'level'>

/** FEST-29, FSTV-17, PREZ-25, LARA-14. */
export function backupSchedule(parts: BackupParts, tenancy: TenancyApi): Measure<Schedule> {
  const { mode, every, grace, compression, level } = parts.settings
  return measure<Schedule>({
    key: 'backup.schedule',
    sources: ['FEST-29', 'FSTV-17', 'PREZ-25', 'LARA-14'],
    family: 'availability',
    maps: { gdpr: ['32(1)(b)', '32(1)(c)'], iso27001: ['A.8.13'] },
    settings: { mode, every, grace, compression, level },
    freshFor: Math.min(every, DAY),
    claim: {
      de: ({ every, compression, level }) =>
        `Jeder Mandant wird alle ${formatDuration(every, 'de')} mit pg_dump gesichert (eigenes Format, ${compression} Stufe ${level}).`,
      en: ({ every, compression, level }) =>
        `Every tenant is backed up by pg_dump every ${formatDuration(every, 'en')} (custom format, ${compression} level ${level}).`,
    },
    async prove({ check, positiveControl, notApplicable, clock, settings }) {
      if (settings.mode === 'snapshot')
        notApplicable('This deployment relies on snapshots of the whole machine.')
      const tenants = (await tenancy.list()).filter((tenant) => !isTrial(tenant))
      const available = await parts.catalogue.available()
      const overdue = (now: Date) => overdueTenants(available, tenants, settings, now).length
      const later = shiftedClock(clock, settings.every + settings.grace + 1)
      positiveControl(
        'tenants that would be seen if no backup were made from now on',
        tenants.length,
        overdue(later.now()),
      )
      check('tenants whose newest backup is older than interval and grace', 0, overdue(clock.now()))
      for (const { slug, id } of tenants.filter(({ canary }) => canary)) {
        const newest = available.find(({ tenantId }) => tenantId === id)
        if (!newest) continue // it is younger than interval and grace, else it were overdue
        const listing = await listArchive(parts, newest).catch((error: Error) => error.message)
        const expected = { format: 'CUSTOM', rows: true, compression: compressionOf(settings, listing) }
        check(`${slug}: pg_restore reads the newest backup`, expected, listing)
      }
    },
  })
}

const DAY = 86_400_000

/** pg_restore 16 and later name the method without its level. */
function compressionOf({ compression, level }: Schedule, listing: unknown): string {
  const shown = (listing as { compression?: string }).compression
  return compression === 'zstd' || shown === 'gzip' ? compression : `gzip ${level}`
}
