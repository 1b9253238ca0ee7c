import { formatDuration } from '../../../kernel/duration.ts'
import { newId } from '../../../kernel/ids.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import type { TenancyApi } from '../../tenancy/index.ts'
import type { BackupParts } from '../backUp.ts'
import { objectName } from '../manifest.ts'
import { removeAll, removeExpired } from '../retention.ts'
import type { BackupSettings } from '../settings.ts'

type Retention = Pick<BackupSettings, 'mode' | 'keepFor' | 'archiveFor'>

/** What is over goes at the next look at the schedule; a backup may be this much (ms) older. */
const SLACK = 3_600_000

/** FEST-30, LARA-15. */
export function backupRetention(parts: BackupParts, tenancy: TenancyApi): Measure<Retention> {
  const { mode, keepFor, archiveFor } = parts.settings
  return measure<Retention>({
    key: 'backup.retention',
    sources: ['FEST-30', 'LARA-15'],
    family: 'availability',
    maps: { gdpr: ['5(1)(e)', '32(1)(c)'], iso27001: ['A.8.10', 'A.8.13'] },
    settings: { mode, keepFor, ...(archiveFor === undefined ? {} : { archiveFor }) },
    claim: {
      de: ({ keepFor, archiveFor }) =>
        archiveFor === undefined
          ? `Sicherungen bleiben ${formatDuration(keepFor, 'de')} und werden dann gelöscht; die jeweils neueste bleibt.`
          : `Sicherungen bleiben ${formatDuration(keepFor, 'de')}, Archivsicherungen ${formatDuration(archiveFor, 'de')}; dann werden sie gelöscht, die jeweils neueste bleibt.`,
      en: ({ keepFor, archiveFor }) =>
        archiveFor === undefined
          ? `Backups are kept for ${formatDuration(keepFor, 'en')} and then removed; the newest one always stays.`
          : `Backups are kept for ${formatDuration(keepFor, 'en')}, archived ones for ${formatDuration(archiveFor, 'en')}, and then removed; the newest one always stays.`,
    },
    async prove({ check, positiveControl, notApplicable, clock, settings }) {
      if (settings.mode === 'snapshot')
        notApplicable('This deployment relies on snapshots of the whole machine.')
      const live = new Set((await tenancy.list()).map(({ id }) => id))
      const tooOld = () => countTooOld(parts, live, settings, clock.now())
      check('backups in the repository that are older than their time', 0, await tooOld())
      check('backups within their time that are missing in the repository', 0, await countMissing(parts))
      await withPlanted(parts, clock.now(), settings.keepFor, async ({ tenantId, names }) => {
        positiveControl('the same look sees a planted backup that is too old', 1, await tooOld())
        await removeExpired(parts, live, tenantId)
        const left = await parts.repository.list(`${tenantId}/`)
        check(
          'of three planted backups, those left once what is over was removed',
          names.slice(1),
          left.map(({ name }) => name),
        )
      })
    },
  })
}

/** Counts by what lies in the repository; the index only says which are kept for longer. */
async function countTooOld(
  { repository, catalogue }: BackupParts,
  live: ReadonlySet<string>,
  { keepFor, archiveFor }: Retention,
  now: Date,
): Promise<number> {
  const available = await catalogue.available()
  const archived = new Set(available.filter((backup) => backup.class === 'archive').map(({ id }) => id))
  const newest = new Map<string, string>()
  const old = (id: string) => {
    const limit = archived.has(id) ? (archiveFor ?? keepFor) : keepFor
    return now.getTime() - timeOf(id) > limit + SLACK
  }
  const stored = (await repository.list('')).map(({ name }) => name.split('/') as [string, string])
  const backups = stored.filter(([, id]) => id !== 'files')
  for (const [tenantId, id] of backups) if (id > (newest.get(tenantId) ?? '')) newest.set(tenantId, id)
  const found = backups.filter(
    ([tenantId, id]) => old(id) && !(live.has(tenantId) && newest.get(tenantId) === id),
  )
  return new Set(found.map(([, id]) => id)).size
}

async function countMissing({ repository, catalogue }: BackupParts): Promise<number> {
  const stored = new Set((await repository.list('')).map(({ name }) => name))
  const available = await catalogue.available()
  return available.filter(
    ({ tenantId, id }) =>
      !stored.has(objectName.manifest(tenantId, id)) || !stored.has(objectName.dump(tenantId, id)),
  ).length
}

/** Three backups of a tenant that does not exist: one too old, one just within its time, one of now. */
async function withPlanted(
  parts: BackupParts,
  now: Date,
  keepFor: number,
  work: (planted: { tenantId: string; names: string[] }) => Promise<void>,
): Promise<void> {
  const tenantId = newId()
  const ages = [keepFor + 2 * SLACK, Math.max(0, keepFor - SLACK), 0]
  const names: string[] = []
  try {
    for (const age of ages) {
      const startedAt = new Date(now.getTime() - age)
      const expiresAt = new Date(startedAt.getTime() + keepFor)
      const id = idAt(startedAt)
      await parts.catalogue.begin({ id, tenantId, slug: 'planted', class: 'recent', startedAt, expiresAt })
      const name = objectName.dump(tenantId, id)
      await parts.repository.put(name, [Buffer.from('planted')], now)
      await parts.catalogue.complete(id, { snapshotAt: startedAt, availableAt: startedAt, bytes: 7 })
      names.push(name)
    }
    await work({ tenantId, names })
  } finally {
    await removeAll(parts, tenantId)
    await parts.catalogue.erase(tenantId)
  }
}

/** A UUIDv7 begins with its time in milliseconds (RFC 9562 §5.7). */
function timeOf(id: string): number {
  return Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)
}

function idAt(time: Date): string {
  const hex = time.getTime().toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}${newId().slice(13)}`
}
