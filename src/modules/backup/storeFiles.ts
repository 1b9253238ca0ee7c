import { openFilestore } from '../../data/filestore.ts'
import { defineProblem, Problem } from '../../kernel/problems.ts'
import type { TenantRecord } from '../tenancy/index.ts'
import type { BackupParts } from './backUp.ts'
import {
  type Manifest,
  measureAll,
  objectName,
  type Passed,
  readObject,
  type Sealed,
  writeObject,
} from './manifest.ts'

const notReadBack = defineProblem({
  code: 'backup-not-read-back',
  status: 500,
  title: 'The repository does not return what was stored',
})

/** Stores the files whose content is not in the repository yet, and reads them back. */
export async function storeFiles(
  parts: BackupParts,
  tenant: TenantRecord,
  expiresAt: Date,
): Promise<Manifest['files']> {
  const { stores, repository } = parts
  const folder = openFilestore({ root: stores.files, folder: tenant.slug })
  const read = async function* (path: string) {
    yield* (await folder.open(path)).stream as AsyncIterable<Uint8Array>
  }
  const key = await parts.keys.current(tenant.id)
  const stored: Manifest['files'] = []
  for (const path of await folder.list()) {
    // A file may be removed while they are read: then it was not there.
    const file = await measureAll(read(path)).catch(unlessGone)
    if (!file) continue
    const object = objectName.file(tenant.id, key, file.sha256)
    if (await repository.has(object)) await repository.extend(object, expiresAt)
    else
      try {
        const written = await writeObject(parts, object, read(path), expiresAt)
        if (written.sha256 !== file.sha256) throw notReadBack(`${path} changed while it was read.`)
        await readBack(parts, object, file)
      } catch (error) {
        await repository.remove(object)
        throw error
      }
    stored.push({ path, ...file, object })
  }
  return stored
}

function unlessGone(error: unknown): undefined {
  if (!(error instanceof Problem && error.code === 'file-not-found')) throw error
}

/** Throws a Problem `backup-not-read-back` when an object does not come back as it was written. */
export async function readBack(parts: Sealed, name: string, written: Passed): Promise<void> {
  const { sha256 } = await measureAll(readObject(parts, name))
  if (sha256 !== written.sha256) throw notReadBack(`${name} reads back as something else.`)
}
