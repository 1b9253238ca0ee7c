import { createHash } from 'node:crypto'
import { constants, createReadStream, createWriteStream } from 'node:fs'
import { type FileHandle, lstat, mkdir, open, readdir, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { type Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { newId } from '../kernel/ids.ts'
import { defineProblem } from '../kernel/problems.ts'
import { readOnly } from './errors.ts'

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY, O_NONBLOCK } = constants

const badPath = defineProblem({ code: 'file-path', status: 400, title: 'Not a path of a file here' })
const noFile = defineProblem({ code: 'file-not-found', status: 404, title: 'No such file' })

/** What lies at a path. */
export interface StoredFile {
  /** Bytes. */
  size: number
  modifiedAt: Date
  stream: Readable
}

/**
 * One tenant's files. Paths are relative, `/`-separated, in Unicode NFC: `sponsors/acme.svg`. Whatever a path says or a
 * folder holds, nothing outside the tenant's folder is ever read or written.
 */
export interface Filestore {
  /** Throws a Problem `file-not-found` (404), or `file-path` (400). The caller ends the stream. */
  open(path: string): Promise<StoredFile>
  /** The same for a process that is to be handed the open file, to read and nothing else. The caller closes it. */
  openHandle(path: string): Promise<FileHandle>
  /**
   * Stores the whole content or, when anything goes wrong, leaves what was there. On disk when it resolves. Resolves to
   * bytes and SHA-256 (hex).
   */
  write(path: string, content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Written>
  /** Whether there was such a file. */
  remove(path: string): Promise<boolean>
  /** Every path, sorted. */
  list(): Promise<string[]>
}

export interface Written {
  size: number
  sha256: string
}

/** Where unfinished files lie; no path leads there, since segments never begin with a dot. */
const INCOMING = '.incoming'

/** Where one tenant's files lie: `<root>/filestore/<folder>`. */
export interface FilesLocation {
  root: string
  folder: string
}

/** Opens a tenant's folder, which is made at the first write. Without `writable`, changes throw `tenant-read-only`. */
export function openFilestore(location: FilesLocation, writable = true): Filestore {
  const base = join(location.root, 'filestore', location.folder)
  if (!writable) {
    const refuse = async () => {
      throw readOnly('The tenant is suspended: reading works, writing does not.')
    }
    return { ...openFilestore(location), write: refuse, remove: refuse }
  }
  return {
    open: async (path) => openFile(base, segmentsOf(path)),
    openHandle: async (path) => (await openSound(base, segmentsOf(path))).handle,
    write: async (path, content) => writeFile(base, segmentsOf(path), content),
    remove: async (path) => removeFile(base, segmentsOf(path)),
    list: () => listFiles(base),
  }
}

/** The path's segments; refuses every form that could mean another place, on any system. */
function segmentsOf(path: string): string[] {
  const segments = path.split('/')
  const sound =
    path.length <= 1_024 &&
    path.normalize('NFC') === path &&
    path.isWellFormed() &&
    segments.every(
      (segment) => /^[^.\p{Cc}\\:][^\p{Cc}\\:]*$/u.test(segment) && Buffer.byteLength(segment) <= 200,
    )
  if (!sound) throw badPath('A path is relative, with "/" between names, and no name begins with a dot.')
  return segments
}

/** A directory that was reached without following any link. */
interface Directory {
  /** Of an entry, by way of the open directory: nobody can swap a parent under it. */
  at(name: string): string
  handle: FileHandle
}

/** Only Linux reaches entries through an open directory; elsewhere a parent swapped within microseconds is not seen. */
const LINUX = process.platform === 'linux'

async function enter(base: string, segments: readonly string[], make: boolean): Promise<Directory> {
  if (make) await mkdir(base, { recursive: true, mode: 0o700 })
  let directory = await openDirectory(base)
  for (const segment of segments) {
    const path = directory.at(segment)
    try {
      if (make) await mkdir(path, { mode: 0o700 }).catch(unlessExists)
      const next = await openDirectory(path)
      await directory.handle.close()
      directory = next
    } catch (error) {
      await directory.handle.close()
      throw error
    }
  }
  return directory
}

async function openDirectory(path: string): Promise<Directory> {
  const handle = await open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).catch(asMissing)
  return { handle, at: (name) => (LINUX ? `/proc/self/fd/${handle.fd}/${name}` : join(path, name)) }
}

async function inside<T>(
  base: string,
  segments: readonly string[],
  make: boolean,
  work: (directory: Directory) => Promise<T>,
): Promise<T> {
  const directory = await enter(base, segments, make)
  try {
    return await work(directory)
  } finally {
    await directory.handle.close()
  }
}

async function openFile(base: string, segments: string[]): Promise<StoredFile> {
  const { handle, size, mtime } = await openSound(base, segments)
  return { size, modifiedAt: mtime, stream: createReadStream('', { fd: handle }) }
}

async function openSound(
  base: string,
  segments: string[],
): Promise<{ handle: FileHandle; size: number; mtime: Date }> {
  const name = segments.pop() as string
  return inside(base, segments, false, async (directory) => {
    // O_NONBLOCK: a pipe planted in place of a file must not hold us.
    const handle = await open(directory.at(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch(asMissing)
    const { size, mtime, nlink, isFile } = await describe(handle)
    // A second name of the same file may stand in another tenant's folder.
    if (!isFile || nlink > 1) {
      await handle.close()
      throw noFile('There is no such file.')
    }
    return { handle, size, mtime }
  })
}

async function describe(handle: FileHandle) {
  const { size, mtime, nlink, ...stats } = await handle.stat()
  return { size, mtime, nlink, isFile: (stats.mode & constants.S_IFMT) === constants.S_IFREG }
}

async function writeFile(
  base: string,
  segments: string[],
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<Written> {
  const name = segments.pop() as string
  return inside(base, [INCOMING], true, (incoming) =>
    inside(base, segments, true, async (directory) => {
      const draft = incoming.at(newId())
      try {
        const written = await writeDraft(draft, content)
        await rename(draft, directory.at(name)).catch(asMissing)
        await directory.handle.sync()
        return written
      } catch (error) {
        await unlink(draft).catch(() => undefined)
        throw error
      }
    }),
  )
}

async function writeDraft(
  draft: string,
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<Written> {
  const hash = createHash('sha256')
  let size = 0
  const measured = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      hash.update(chunk)
      size += chunk.length
      done(null, chunk)
    },
  })
  const file = createWriteStream(draft, { flags: 'wx', mode: 0o600, flush: true })
  await pipeline(content, measured, file)
  return { size, sha256: hash.digest('hex') }
}

async function removeFile(base: string, segments: string[]): Promise<boolean> {
  const name = segments.pop() as string
  try {
    await inside(base, segments, false, async (directory) => {
      await unlink(directory.at(name))
      await directory.handle.sync()
    })
    return true
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}

async function listFiles(base: string): Promise<string[]> {
  const entries = await readdir(base, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  })
  const incoming = join(base, INCOMING)
  return entries
    .filter((entry) => entry.isFile() && entry.parentPath !== incoming)
    .map((entry) => join(entry.parentPath, entry.name).slice(base.length + 1))
    .sort()
}

/** Links in a path, and parents that are no directories, look like nothing: an attacker learns no more. */
function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return ['ENOENT', 'ENOTDIR', 'ELOOP', 'EMLINK', 'EISDIR', 'ENXIO', 'file-not-found'].includes(code ?? '')
}

function asMissing(error: unknown): never {
  if (isMissing(error)) throw noFile('There is no such file.')
  throw error
}

function unlessExists(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
}

/** Removes what interrupted writes left in the folder more than `olderThan` ms ago. */
export async function sweepIncoming(location: FilesLocation, olderThan: number): Promise<void> {
  const incoming = join(location.root, 'filestore', location.folder, INCOMING)
  for (const name of await readdir(incoming).catch(() => [] as string[])) {
    const { mtimeMs } = await lstat(join(incoming, name))
    if (Date.now() - mtimeMs > olderThan) await unlink(join(incoming, name))
  }
}
