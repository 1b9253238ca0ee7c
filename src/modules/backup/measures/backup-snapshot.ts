import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { formatDuration } from '../../../kernel/duration.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import type { BackupSettings } from '../settings.ts'

type Snapshots = Pick<BackupSettings, 'mode' | 'every' | 'grace' | 'snapshotListFileName'>

const List = z.array(z.object({ created: z.coerce.date() }))

/** CAST-59. The provider makes the snapshots; what can be seen here is the list that its own tool wrote. */
export function backupSnapshot({
  mode,
  every,
  grace,
  snapshotListFileName,
}: BackupSettings): Measure<Snapshots> {
  return measure<Snapshots>({
    key: 'backup.snapshot',
    sources: ['CAST-59'],
    family: 'availability',
    maps: { gdpr: ['32(1)(b)', '32(1)(c)'], iso27001: ['A.8.13'] },
    settings: { mode, every, grace, ...(snapshotListFileName ? { snapshotListFileName } : {}) },
    claim: {
      de: ({ every }) =>
        `Der Anbieter macht alle ${formatDuration(every, 'de')} einen Snapshot der ganzen Maschine, rotierend.`,
      en: ({ every }) =>
        `The provider takes a snapshot of the whole machine every ${formatDuration(every, 'en')}, rotating.`,
    },
    async prove({ check, positiveControl, notApplicable, notObservable, clock, settings }) {
      if (settings.mode === 'dump') notApplicable('This deployment makes backups of its own.')
      const file = settings.snapshotListFileName
      if (!file)
        return notObservable(
          'NO_PROVIDER_LIST',
          "The provider's list of snapshots is not given (backup.snapshotListFileName).",
        )
      const list = List.parse(JSON.parse(await readFile(file, 'utf8')))
      const limit = settings.every + settings.grace
      const young = (now: number) => list.some(({ created }) => now - created.getTime() <= limit)
      const now = clock.now().getTime()
      check("the provider's list has a snapshot younger than interval and grace", true, young(now))
      positiveControl('the same look once the newest has become too old', false, young(now + limit + 1))
      check(
        'snapshots from the future',
        0,
        list.filter(({ created }) => created.getTime() > now + MINUTE).length,
      )
    },
  })
}

const MINUTE = 60_000
