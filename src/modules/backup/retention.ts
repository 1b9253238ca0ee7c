import { newId } from '../../kernel/ids.ts'
import { Problem } from '../../kernel/problems.ts'
import { type BackupParts, removeParts } from './backUp.ts'
import type { BackupRecord } from './catalogue.ts'
import { readManifest } from './manifest.ts'

/**
 * Removes the backups whose time is over, and the files that no other backup of the tenant needs; of `tenantId` alone or
 * of all. The newest backup of a tenant in `live` stays whatever its age: it is only that old when making others fails.
 * Returns how many were removed.
 */
export async function removeExpired(
  parts: BackupParts,
  live: ReadonlySet<string>,
  tenantId?: string,
): Promise<number> {
  const over = expired(await parts.catalogue.available(tenantId), live, parts.clock.now())
  let removed = 0
  for (const [id, backups] of Map.groupBy(over, (backup) => backup.tenantId)) {
    const done = await alone(parts, backups[0] as BackupRecord, async () => {
      for (const backup of backups) {
        await removeParts(parts.repository, id, backup.id)
        await parts.catalogue.expire(backup.id)
      }
      await removeUnusedFiles(parts, id)
    })
    if (done) removed += backups.length
  }
  for (const failed of await parts.catalogue.failedUntil(parts.clock.now())) {
    await removeParts(parts.repository, failed.tenantId, failed.id)
    await parts.catalogue.expire(failed.id)
  }
  return removed
}

function expired(available: readonly BackupRecord[], live: ReadonlySet<string>, now: Date): BackupRecord[] {
  const newest = new Map<string, string>()
  for (const { tenantId, id } of available) if (!newest.has(tenantId)) newest.set(tenantId, id)
  return available.filter(
    ({ id, tenantId, expiresAt }) => expiresAt <= now && !(live.has(tenantId) && newest.get(tenantId) === id),
  )
}

/**
 * Removes everything of one tenant, for its erasure. What a lock still holds stays listed, unreadable since the tenant's
 * keys are destroyed, and goes with `removeExpired` when its time is over.
 */
export async function removeAll({ repository, catalogue }: BackupParts, tenantId: string): Promise<void> {
  const held = new Set<string>()
  for (const { name } of await repository.list(`${tenantId}/`))
    await repository.remove(name).catch((error: unknown) => {
      if (!(error instanceof Problem && error.code === 'backup-object-held')) throw error
      held.add(name.split('/')[1] as string)
    })
  for (const { id } of await catalogue.available(tenantId)) if (!held.has(id)) await catalogue.expire(id)
}

async function removeUnusedFiles(parts: BackupParts, tenantId: string): Promise<void> {
  const stored = await parts.repository.list(`${tenantId}/files/`)
  if (stored.length === 0) return
  const needed = new Set<string>()
  for (const { id } of await parts.catalogue.available(tenantId)) {
    const { files } = await readManifest(parts, tenantId, id).catch(asErased)
    for (const { object } of files) needed.add(object)
  }
  for (const { name } of stored) if (!needed.has(name)) await parts.repository.remove(name)
}

/** Runs `work` while no backup of the tenant is made: one could be about to use a file that is removed. */
async function alone(
  { catalogue, clock }: BackupParts,
  { tenantId, slug, class: retention }: BackupRecord,
  work: () => Promise<void>,
): Promise<boolean> {
  const now = clock.now()
  const id = newId()
  if (!(await catalogue.begin({ id, tenantId, slug, class: retention, startedAt: now, expiresAt: now })))
    return false
  try {
    await work()
    return true
  } finally {
    await catalogue.forget(id)
  }
}

/** Where the tenant's keys are destroyed nothing can be read, so nothing is needed. */
function asErased(error: unknown): { files: [] } {
  if (error instanceof Problem && error.code === 'vault-destroyed') return { files: [] }
  throw error
}
