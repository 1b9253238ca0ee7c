import { existsSync } from 'node:fs'
import { formatDuration } from '../../../kernel/duration.ts'
import { type Measure, measure, type ProbeContext } from '../../../proof/measure.ts'
import type { TenancyApi, Tenant } from '../../tenancy/index.ts'
import type { Bucket } from '../bucket.ts'
import { attackArchive } from '../cluster/attackArchive.ts'
import { type Cluster, isArchiving } from '../cluster/cluster.ts'
import { listClusterBackups } from '../cluster/clusterBackups.ts'
import { lastPassed, lookAtLive, markInstant, rehearse, roomMissing } from '../cluster/rehearsal.ts'
import type { DrillParts } from '../drill.ts'
import { attackRestorePoint } from '../restorePoint.ts'
import type { PitrSettings } from '../settings.ts'
import { attackVersions } from '../versions.ts'

interface Points {
  every: number
  drillEvery: number
  /** Backups lie in a bucket. */
  bucket: boolean
  pitr: Pick<PitrSettings, 'keepFor' | 'fullEvery' | 'archiveEvery'> | null
}

/** What the probe works with. */
export interface PitrParts {
  drills: DrillParts
  tenancy: TenancyApi
  bucket: Bucket | undefined
  cluster: Cluster | undefined
}

/** FEST-31. What is claimed follows from the settings: any point in time, the points of the backups, or nothing. */
export function backupVersioningPitr(parts: PitrParts): Measure<Points> {
  const { mode, every, drillEvery, pitr } = parts.drills.settings
  return measure<Points>({
    key: 'backup.versioning.pitr',
    sources: ['FEST-31'],
    family: 'recoverability',
    maps: { gdpr: ['32(1)(b)', '32(1)(c)'], iso27001: ['A.8.13'] },
    settings: {
      every,
      drillEvery,
      bucket: parts.bucket !== undefined && mode !== 'snapshot',
      pitr: pitr ? pick(pitr) : null,
    },
    timeout: 3_600_000,
    claim: { de: claimDe, en: claimEn },
    async prove(context) {
      const { settings, notApplicable } = context
      const bucket = mode === 'snapshot' ? undefined : parts.bucket
      if (!bucket && !settings.pitr)
        return notApplicable(
          'The settings ask for no point-in-time recovery (backup.pitr), and backups lie in no bucket with versions (backup.s3).',
        )
      if (bucket) await attackVersions(bucket, context)
      if (settings.pitr && parts.cluster) return proveCluster(parts, parts.cluster, context)
      for (const canary of await canariesOf(parts.tenancy))
        await attackRestorePoint(parts.drills, canary, context)
    },
  })
}

const pick = ({ keepFor, fullEvery, archiveEvery }: PitrSettings) => ({ keepFor, fullEvery, archiveEvery })

function claimDe({ pitr, bucket, every }: Points): string {
  if (pitr)
    return `Der gesamte Datenbank-Cluster lässt sich auf jeden Zeitpunkt der letzten ${formatDuration(pitr.keepFor, 'de')} zurücksetzen, bis auf höchstens ${formatDuration(pitr.archiveEvery, 'de')} an die Gegenwart heran; das Archiv ist mit AES-256-CBC verschlüsselt.${bucket ? ' Sicherungen der Mandanten liegen versioniert.' : ''}`
  return bucket
    ? `Alle ${formatDuration(every, 'de')} entsteht ein Wiederherstellungspunkt; die Sicherungen liegen versioniert, und auch Überschriebenes oder Gelöschtes lässt sich zurückholen. Zeitpunkte dazwischen gibt es nicht.`
    : 'Sicherungen sind einzelne Wiederherstellungspunkte; Zeitpunkte dazwischen gibt es nicht.'
}

function claimEn({ pitr, bucket, every }: Points): string {
  if (pitr)
    return `The whole database cluster can be set back to any point in time of the last ${formatDuration(pitr.keepFor, 'en')}, up to at most ${formatDuration(pitr.archiveEvery, 'en')} before now; its archive is encrypted with AES-256-CBC.${bucket ? ' Backups of tenants are kept in versions.' : ''}`
  return bucket
    ? `Every ${formatDuration(every, 'en')} there is a restore point; backups are kept in versions, and what was overwritten or deleted is recovered too. There are no points in time between them.`
    : 'Backups are single restore points; there are no points in time between them.'
}

async function canariesOf({ canaries }: TenancyApi): Promise<Tenant[]> {
  return (await canaries.open()).map(({ a }) => a)
}

async function proveCluster(
  { drills: { stores, clock }, tenancy }: PitrParts,
  cluster: Cluster,
  context: ProbeContext<Points>,
): Promise<void> {
  const { check, positiveControl, notObservable, settings, signal } = context
  const server = await cluster.server()
  if (!existsSync(server.cluster))
    notObservable('CLUSTER_ELSEWHERE', 'The database files are not on the machine that this probe runs on.')
  const promised = settings.pitr as NonNullable<Points['pitr']>
  check('the server hands its log to pgBackRest, as often as promised', true, isArchiving(server, promised))
  positiveControl(
    'the same look at servers that do not, or too seldom',
    [false, false],
    [{ archiveCommand: '' }, { archiveEvery: promised.archiveEvery + 1 }].map((other) =>
      isArchiving({ ...server, ...other }, promised),
    ),
  )
  if (!isArchiving(server, promised)) return
  const canary = (await canariesOf(tenancy))[0] as Tenant
  if ((await listClusterBackups(cluster.place())).length === 0) await cluster.backUp('full')
  const between = await markInstant(stores, cluster, canary).catch((error: Error) => error)
  check(
    'what is written now reaches the repository',
    'yes',
    between instanceof Error ? between.message : 'yes',
  )
  await attackArchive(cluster, server, context)
  if (between instanceof Error) return
  positiveControl(
    'signs of life before and after an instant, in the live cluster',
    { before: true, after: true },
    await lookAtLive(stores, between),
  )
  const passed = await lastPassed(stores)
  const age = clock.now().getTime() - (passed?.getTime() ?? 0)
  if (age < settings.drillEvery / 2) {
    check(
      'the last rehearsal of the whole cluster, which passed, is recent enough',
      true,
      age < settings.drillEvery,
    )
    return
  }
  const missing = await roomMissing(cluster)
  if (missing > 0) notObservable('NO_ROOM', `The disk lacks ${missing} bytes for a copy of the cluster.`)
  const seen = await rehearse({ stores, cluster, clock }, between, signal).catch(
    (error: Error) => error.message,
  )
  check(
    'of these, what the whole cluster holds once it is restored to that instant, and databases of it that do not open',
    { before: true, after: false, closed: [] },
    seen,
  )
}
