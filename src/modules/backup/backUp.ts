import { isDeepStrictEqual } from 'node:util'
import type { Stores } from '../../data/index.ts'
import type { Clock } from '../../kernel/clock.ts'
import { newId } from '../../kernel/ids.ts'
import { defineProblem, Problem } from '../../kernel/problems.ts'
import type { TenantRecord } from '../tenancy/index.ts'
import { compressDump } from './archive.ts'
import type { BackupRecord, Catalogue, RetentionClass } from './catalogue.ts'
import {
  type Manifest,
  objectName,
  readManifest,
  type Sealed,
  writeManifest,
  writeObject,
} from './manifest.ts'
import type { Repository } from './repository.ts'
import type { BackupSettings } from './settings.ts'
import { type Snapshot, withSnapshot } from './source.ts'
import { readBack, storeFiles } from './storeFiles.ts'

/** What a backup goes through, in order. */
export const BACKUP_STEPS = [
  'begun',
  'dumped',
  'dump read back',
  'files stored',
  'manifest stored',
  'available',
] as const

export type BackupStep = (typeof BACKUP_STEPS)[number]

/** What backups are made with. */
export interface BackupParts extends Sealed {
  stores: Stores
  clock: Clock
  build: string
  settings: BackupSettings
  catalogue: Catalogue
  /** Writes a sign of life into a canary. */
  beat(canary: TenantRecord): Promise<unknown>
  /** What the tenant's host answers while it is backed up. */
  listen(tenant: TenantRecord): Promise<Pick<Manifest, 'openapi' | 'answers'>>
}

export const backupBusy = defineProblem({
  code: 'backup-busy',
  status: 409,
  title: 'A backup of this tenant is being made',
})
const RENEW_MS = 15_000

/**
 * Backs up one tenant: dump and manifest from one snapshot, files, all encrypted, streamed, read back and compared. Only
 * then is it available. After a failure or a crash at any point it is not, and what it left is removed. Throws a Problem
 * `backup-busy` while another one of this tenant is made.
 */
export async function backUpTenant(
  parts: BackupParts,
  tenant: TenantRecord,
  retention: RetentionClass,
  onStep: (step: BackupStep) => void = () => undefined,
): Promise<BackupRecord> {
  const { catalogue, clock, settings } = parts
  const startedAt = clock.now()
  const keepFor = retention === 'archive' ? (settings.archiveFor ?? settings.keepFor) : settings.keepFor
  const begun = {
    id: newId(),
    tenantId: tenant.id,
    slug: tenant.slug,
    class: retention,
    startedAt,
    expiresAt: new Date(startedAt.getTime() + keepFor),
  }
  if (!(await catalogue.begin(begun)))
    throw backupBusy(`Wait until the other backup of ${tenant.slug} is done.`)
  const renewing = setInterval(() => void catalogue.renew(begun.id).catch(() => undefined), RENEW_MS)
  try {
    onStep('begun')
    const manifest = await makeManifest(parts, tenant, begun, onStep)
    await finish(parts, manifest)
    onStep('available')
  } catch (error) {
    await removeParts(parts.repository, tenant.id, begun.id).catch(() => undefined)
    await catalogue.fail(
      begun.id,
      error instanceof Problem ? `${error.title}: ${error.message}` : String(error),
    )
    throw error
  } finally {
    clearInterval(renewing)
  }
  return (await catalogue.find(begun.id)) as BackupRecord
}

type Begun = Pick<BackupRecord, 'id' | 'tenantId' | 'slug' | 'class' | 'startedAt' | 'expiresAt'>

async function makeManifest(
  parts: BackupParts,
  tenant: TenantRecord,
  begun: Begun,
  onStep: (step: BackupStep) => void,
): Promise<Manifest> {
  if (tenant.canary) await parts.beat(tenant)
  const before = tenant.canary ? await parts.listen(tenant) : undefined
  const snapshotAt = parts.clock.now()
  const taken = await withSnapshot(parts.stores, tenant, async (snapshot) => {
    const stored = await storeDumps(parts, begun, snapshot)
    const { major: postgres, shape } = snapshot
    const after = await parts.listen(tenant)
    // An answer that changed meanwhile may be of before the snapshot or of after it.
    const answers = after.answers.filter((one) =>
      before?.answers.some((other) => isDeepStrictEqual(one, other)),
    )
    const { openapi } = after
    return { ...stored, openapi, answers, tables: await snapshot.tables, shape, postgres }
  })
  onStep('dumped')
  await readBack(parts, objectName.dump(tenant.id, begun.id), taken.dump)
  if (taken.schemaDump) await readBack(parts, objectName.schema(tenant.id, begun.id), taken.schemaDump)
  onStep('dump read back')
  const files = await storeFiles(parts, tenant, begun.expiresAt)
  onStep('files stored')
  const { id: backupId, ...named } = begun
  const { build, settings } = parts
  const { model } = tenant
  const manifest: Manifest = {
    ...named,
    ...taken,
    format: 1,
    backupId,
    model,
    snapshotAt,
    build,
    compression: settings.compression,
    files,
  }
  await writeManifest(parts, manifest)
  onStep('manifest stored')
  return readManifest(parts, tenant.id, begun.id)
}

async function storeDumps(
  parts: BackupParts,
  { tenantId, id, expiresAt }: Begun,
  snapshot: Snapshot,
): Promise<Pick<Manifest, 'dump' | 'schemaDump'>> {
  const { compression, level } = parts.settings
  const gzip = compression === 'gzip'
  const dump = snapshot.dump(gzip ? level : 0)
  return {
    dump: await writeObject(
      parts,
      objectName.dump(tenantId, id),
      gzip ? dump : compressDump(dump, level),
      expiresAt,
    ),
    schemaDump:
      snapshot.schema &&
      (await writeObject(parts, objectName.schema(tenantId, id), [snapshot.schema], expiresAt)),
  }
}

async function finish({ repository, catalogue, clock }: BackupParts, manifest: Manifest): Promise<void> {
  const { tenantId, backupId, snapshotAt } = manifest
  const objects = await repository.list(`${tenantId}/${backupId}/`)
  const bytes = objects.reduce((sum, { size }) => sum + size, 0)
  await catalogue.complete(backupId, { snapshotAt, availableAt: clock.now(), bytes })
}

/**
 * Settles what processes that are gone left behind: a backup whose manifest lies in the repository is whole and becomes
 * available; of any other the parts are removed.
 */
export async function settleAbandoned(parts: BackupParts): Promise<void> {
  for (const { id, tenantId } of await parts.catalogue.abandoned()) {
    if (await parts.repository.has(objectName.manifest(tenantId, id))) {
      await finish(parts, await readManifest(parts, tenantId, id))
      continue
    }
    await removeParts(parts.repository, tenantId, id).catch(unlessHeld)
    await parts.catalogue.fail(id, 'The process that made it ended.')
  }
}

/** Removes a backup's own objects. The manifest goes first: with it the backup ends. Throws where a lock holds one. */
export async function removeParts(repository: Repository, tenantId: string, backupId: string): Promise<void> {
  for (const part of ['manifest', 'schema', 'dump'] as const)
    await repository.remove(objectName[part](tenantId, backupId))
}

/** What a lock holds of a backup that failed stays until its time is over (see removeExpired). */
export function unlessHeld(error: unknown): void {
  if (!(error instanceof Problem && error.code === 'backup-object-held')) throw error
}
