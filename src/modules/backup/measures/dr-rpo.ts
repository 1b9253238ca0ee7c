import { formatDuration } from '../../../kernel/duration.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import type { BackupRecord } from '../catalogue.ts'
import type { DrillParts } from '../drill.ts'
import type { BackupSettings } from '../settings.ts'
import { isTrial } from '../trial.ts'

type Rpo = Pick<BackupSettings, 'mode' | 'every' | 'rpo'>

/** How far back (ms) gaps between backups are looked at. */
const LOOK_BACK = 30 * 86_400_000

/** LARA-18. */
export function drRpo(parts: DrillParts): Measure<Rpo> {
  const { mode, every, rpo } = parts.settings
  return measure<Rpo>({
    key: 'dr.rpo',
    sources: ['LARA-18'],
    family: 'recoverability',
    maps: { gdpr: ['32(1)(c)'], iso27001: ['A.5.30', 'A.8.13'] },
    settings: { mode, every, ...(rpo === undefined ? {} : { rpo }) },
    claim: {
      de: ({ every, rpo = every }) =>
        `Bei einem Ausfall gehen höchstens die Daten der letzten ${formatDuration(rpo, 'de')} verloren.`,
      en: ({ every, rpo = every }) =>
        `In a disaster no more than the data of the last ${formatDuration(rpo, 'en')} is lost.`,
    },
    async prove({ check, positiveControl, notApplicable, clock, settings }) {
      const { rpo } = settings
      if (settings.mode === 'snapshot' || rpo === undefined)
        return notApplicable('This deployment promises an interval of backups and no recovery point.')
      const tenants = (await parts.tenancy.list()).filter((tenant) => !isTrial(tenant))
      const available = await parts.catalogue.available()
      const now = clock.now().getTime()
      const exposed = (at: number) =>
        tenants.filter(({ id, createdAt }) => {
          const newest = available.find(({ tenantId }) => tenantId === id)
          return at - (newest?.snapshotAt ?? createdAt).getTime() > rpo
        }).length
      check('tenants that would lose more if everything were gone now', 0, exposed(now))
      positiveControl(
        'the same look if no backup were made from now on',
        tenants.length,
        exposed(now + rpo + 1),
      )
      const gaps = (list: readonly BackupRecord[]) => worstGap(list, now - LOOK_BACK) <= rpo
      check(
        'the worst moment of each tenant in the last 30 days, just before a backup was available, was within it',
        true,
        gaps(available),
      )
      const early = available.map((one) => ({ ...one, availableAt: new Date(now + rpo + 1) }))
      positiveControl('the same look at backups that were available too late', false, gaps(early))
    },
  })
}

/** The longest time, in ms, from a snapshot until the next one was available. Of one backup: until it was itself. */
function worstGap(available: readonly BackupRecord[], since: number): number {
  let worst = 0
  for (const backups of Map.groupBy(available, ({ tenantId }) => tenantId).values()) {
    const ordered = backups
      .filter(({ availableAt }) => availableAt && availableAt.getTime() >= since)
      .sort((a, b) => (a.id < b.id ? -1 : 1))
    for (const [i, { availableAt }] of ordered.entries()) {
      const from = (ordered[i - 1] ?? ordered[i])?.snapshotAt?.getTime() ?? 0
      worst = Math.max(worst, (availableAt?.getTime() ?? 0) - from)
    }
  }
  return worst
}
