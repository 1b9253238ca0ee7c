import type { TenantRecord } from '../tenancy/index.ts'
import { compareWithManifest } from './compare.ts'
import type { DrillParts } from './drill.ts'
import { objectName, readManifest } from './manifest.ts'
import type { Repository } from './repository.ts'
import { inScratch, loadBackup } from './scratch.ts'
import { verifyFiles } from './takeOver.ts'

/** A failure that was planted in a copy, and whether it was noticed. */
export interface SeededFailure {
  failure: string
  seen: boolean
}

/** Statements that break a restored copy, each in its own way. */
const DAMAGES: readonly (readonly [string, string])[] = [
  ['a missing table', 'DROP TABLE tenancy.canary CASCADE'],
  ['a dropped row', 'DELETE FROM tenancy.canary WHERE ctid = (SELECT min(ctid) FROM tenancy.canary)'],
  ['a changed value', `UPDATE tenancy.canary SET marker = marker || '!'`],
  [
    'a row of another tenant',
    'INSERT INTO tenancy.canary VALUES (gen_random_uuid(), gen_random_uuid(), $$x$$)',
  ],
  ['a policy that is gone', 'DROP POLICY tenant ON tenancy.canary'],
]

/** Breaks copies of the newest backup, one after the other, and tells which the drill's comparison notices. */
export async function seeFailures(parts: DrillParts, tenant: TenantRecord): Promise<SeededFailure[]> {
  const [backup] = await parts.catalogue.available(tenant.id)
  if (!backup) return []
  const manifest = await readManifest(parts, tenant.id, backup.id)
  const found: SeededFailure[] = []
  await inScratch(parts, manifest.postgres, async (scratch) => {
    await loadBackup(parts, scratch, manifest)
    for (const [failure, statement] of DAMAGES) {
      await scratch.client.query('BEGIN')
      await scratch.client.query(statement)
      const differences = await compareWithManifest(scratch.client, manifest)
      await scratch.client.query('ROLLBACK')
      found.push({ failure, seen: differences.length > 0 })
    }
  })
  const fails = (work: Promise<unknown>) =>
    work.then(
      () => false,
      () => true,
    )
  const corrupt = { ...parts, repository: corrupted(parts.repository, objectName.dump(tenant.id, backup.id)) }
  const load = inScratch(parts, manifest.postgres, (scratch) => loadBackup(corrupt, scratch, manifest))
  found.push({ failure: 'one changed bit in the backup', seen: await fails(load) })
  const lost = {
    path: 'lost.txt',
    size: 1,
    sha256: '0'.repeat(64),
    object: `${tenant.id}/files/${'0'.repeat(64)}`,
  }
  const withLost = { ...manifest, files: [...manifest.files, lost] }
  found.push({
    failure: 'a file that is gone from the backup',
    seen: await fails(verifyFiles(parts, withLost)),
  })
  return found
}

/** The same repository, with one bit of one object changed on the way. */
function corrupted(repository: Repository, name: string): Repository {
  return {
    ...repository,
    async open(asked) {
      const content = await repository.open(asked)
      return asked === name ? flipped(content) : content
    },
  }
}

async function* flipped(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const part of content) {
    const copy = Uint8Array.from(part)
    copy[copy.length - 1] = (copy[copy.length - 1] as number) ^ 1
    yield copy
  }
}
