import { constants, createReadStream, createWriteStream } from 'node:fs'
import { link, mkdir, open, readdir, rmdir, stat, unlink } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { newId } from '../../kernel/ids.ts'
import { objectExists, objectMissing, type Repository, type StoredObject } from './repository.ts'

/** Unfinished objects; no name leads here, since names begin with a tenant's id. */
const INCOMING = '.incoming'

/** How a name is made of segments; refuses what could lead out of the folder. */
const NAME = /^[0-9a-f-]+(\/[0-9a-z-]+)+$/

/**
 * Backups as files in `folder` (mode 0700). A file is written beside, flushed, linked to its name, which fails where one
 * is already, and its folder is flushed: after a power cut it is whole or not there. Holds nothing against deletion:
 * whoever may write here may delete here.
 */
export function openFileRepository(folder: string): Repository {
  const at = (name: string) => {
    if (!NAME.test(name)) throw objectMissing(`"${name}" is not the name of an object.`)
    return join(folder, name)
  }
  return {
    kind: 'file-system',
    async put(name, content) {
      const path = at(name)
      await mkdir(join(folder, INCOMING), { recursive: true, mode: 0o700 })
      const draft = join(folder, INCOMING, newId())
      try {
        await pipeline(
          Readable.from(content),
          createWriteStream(draft, { flags: 'wx', mode: 0o600, flush: true }),
        )
        await makeFolder(folder, dirname(path))
        await link(draft, path).catch((cause: NodeJS.ErrnoException) => {
          throw cause.code === 'EEXIST' ? objectExists(`${name} is already there.`, { cause }) : cause
        })
        await flushFolder(dirname(path))
      } finally {
        await unlink(draft).catch(unlessMissing)
      }
    },
    async open(name) {
      const handle = await open(at(name), constants.O_RDONLY | constants.O_NOFOLLOW).catch(asMissing(name))
      return createReadStream('', { fd: handle, highWaterMark: 1 << 18 })
    },
    async has(name) {
      return stat(at(name)).then(
        () => true,
        (error: NodeJS.ErrnoException) => unlessMissing(error) ?? false,
      )
    },
    list: (prefix) => listObjects(folder, prefix),
    async extend() {
      // Nothing here holds a file against deletion.
    },
    async remove(name) {
      const path = at(name)
      await unlink(path).catch(unlessMissing)
      await removeEmptyFolders(folder, dirname(path))
    },
  }
}

/** Makes `path` below `folder`, each new level flushed into its parent. */
async function makeFolder(folder: string, path: string): Promise<void> {
  const made = await mkdir(path, { recursive: true, mode: 0o700 })
  if (made === undefined) return
  for (let level = path; level.length >= folder.length; level = dirname(level)) await flushFolder(level)
}

async function flushFolder(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function removeEmptyFolders(folder: string, path: string): Promise<void> {
  for (let level = path; level.length > folder.length; level = dirname(level)) {
    const stays = await rmdir(level).then(
      () => false,
      () => true,
    )
    if (stays) return
  }
}

async function listObjects(folder: string, prefix: string): Promise<StoredObject[]> {
  // A prefix ends with a whole segment, so it is a folder.
  const start = join(folder, prefix)
  const entries = await readdir(start, { recursive: true, withFileTypes: true }).catch(
    (error: NodeJS.ErrnoException) => unlessMissing(error) ?? [],
  )
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.startsWith(join(folder, INCOMING)))
  const objects = await Promise.all(
    files.map(async (path) => {
      const size = await stat(path).then(
        (found) => found.size,
        (error: NodeJS.ErrnoException) => unlessMissing(error),
      )
      return size === undefined ? [] : [{ name: relative(folder, path), size }]
    }),
  )
  return objects.flat().sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** Removes what interrupted writes left more than `olderThan` ms ago. */
export async function sweepFileRepository(folder: string, olderThan: number): Promise<void> {
  const incoming = join(folder, INCOMING)
  for (const name of await readdir(incoming).catch(() => [] as string[])) {
    const path = join(incoming, name)
    const found = await stat(path).catch(() => undefined)
    if (found && Date.now() - found.mtimeMs > olderThan) await unlink(path).catch(unlessMissing)
  }
}

function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error
}

function asMissing(name: string) {
  return (cause: NodeJS.ErrnoException): never => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR')
      throw objectMissing(`There is no ${name}.`, { cause })
    throw cause
  }
}
