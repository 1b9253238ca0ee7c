import type { ProbeContext } from '../../proof/measure.ts'
import type { Tenant } from '../tenancy/index.ts'
import type { BackupRecord } from './catalogue.ts'
import { verifyLoaded } from './compare.ts'
import type { DrillParts } from './drill.ts'
import { beatsIn } from './heartbeat.ts'
import { readManifest } from './manifest.ts'
import { inScratch, loadBackup } from './scratch.ts'
import { storeOf } from './source.ts'

const DAY = 86_400_000

/**
 * Restores a backup of an earlier day apart, or the oldest there is, and looks at the signs of life in it: the last one
 * before it must be there, and none that came after.
 */
export async function attackRestorePoint(
  parts: DrillParts,
  canary: Tenant,
  { check, positiveControl }: Pick<ProbeContext<any>, 'check' | 'positiveControl'>,
): Promise<void> {
  const earlier = await earlierBackup(parts, canary)
  const snapshotAt = earlier.snapshotAt as Date
  const live = await parts.stores.asMigrator(
    'look at signs of life',
    (client) => beatsIn(client, canary.id),
    storeOf(canary),
  )
  const manifest = await readManifest(parts, canary.id, earlier.id)
  const restored = await inScratch(parts, manifest.postgres, async (scratch) => {
    await loadBackup(parts, scratch, manifest)
    await verifyLoaded(scratch.client, manifest)
    return beatsIn(scratch.client, canary.id)
  })
  const [before, after] = [
    live.filter((at) => at <= snapshotAt).at(-1) ?? null,
    live.filter((at) => at > snapshotAt),
  ]
  positiveControl('signs of life that came later are in the live store', true, after.length > 0)
  check(
    `the last sign of life in the backup of ${snapshotAt.toISOString()}`,
    before?.toISOString() ?? 'one before it',
    restored.at(-1)?.toISOString() ?? null,
  )
}

/** At least a day older than the newest if there is such a one; when there is only one, another is made after it. */
async function earlierBackup(parts: DrillParts, canary: Tenant): Promise<BackupRecord> {
  let list = await parts.catalogue.available(canary.id)
  while (list.length < 2) {
    await parts.backUp(canary)
    list = await parts.catalogue.available(canary.id)
  }
  const newest = list[0]?.snapshotAt?.getTime() ?? 0
  const dayOlder = list.find(({ snapshotAt }) => newest - (snapshotAt?.getTime() ?? 0) >= DAY)
  return (dayOlder ?? list.at(-1)) as BackupRecord
}
