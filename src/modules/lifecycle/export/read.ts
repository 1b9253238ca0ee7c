import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { type Entry, fromBufferPromise, openPromise, type ZipFile } from 'yauzl'
import { defineProblem } from '../../../kernel/problems.ts'
import { FILES, MANIFEST, Manifest } from './archive.ts'

const invalid = defineProblem({ code: 'export-invalid', status: 400, title: 'The export is not whole' })

/** An export that was opened: its manifest and the content of its entries. */
export interface OpenedExport {
  manifest: Manifest
  paths: readonly string[]
  /** Throws a Problem `export-invalid` when there is no such entry. */
  stream(path: string): Promise<Readable>
  close(): void
}

/** Opens an archive by path or content. Throws a Problem `export-invalid` (400). */
export async function openExport(source: string | Buffer): Promise<OpenedExport> {
  const options = { lazyEntries: true, autoClose: false }
  const zip = await (typeof source === 'string'
    ? openPromise(source, options)
    : fromBufferPromise(source, options)
  ).catch((error: unknown) => {
    throw invalid('It is no ZIP, or a part of one.', { cause: error })
  })
  const entries = new Map((await readEntries(zip)).map((entry) => [entry.fileName, entry]))
  const stream = async (path: string): Promise<Readable> => {
    const entry = entries.get(path)
    if (!entry) throw invalid(`It has no ${path}.`)
    return zip.openReadStreamPromise(entry)
  }
  const manifest = Manifest.safeParse(JSON.parse((await buffer(await stream(MANIFEST))).toString()))
  if (!manifest.success) throw invalid('Its manifest is not one of ours.')
  return { manifest: manifest.data, paths: [...entries.keys()], stream, close: () => zip.close() }
}

/** Reads every entry and compares its hash. Throws a Problem `export-invalid` (400) that names the first that differs. */
export async function checkHashes({ manifest, stream }: OpenedExport): Promise<void> {
  const expected = [
    ...manifest.tables.map(({ path, sha256 }) => ({ path, sha256 })),
    ...manifest.files.map(({ path, sha256 }) => ({ path: `${FILES}${path}`, sha256 })),
  ]
  for (const { path, sha256 } of expected) {
    const hash = createHash('sha256')
    for await (const chunk of await stream(path)) hash.update(chunk as Buffer)
    if (hash.digest('hex') !== sha256) throw invalid(`${path} is not what the manifest says.`)
  }
}

async function readEntries(zip: ZipFile): Promise<Entry[]> {
  const { promise, resolve, reject } = Promise.withResolvers<Entry[]>()
  const entries: Entry[] = []
  zip.on('entry', (entry: Entry) => {
    entries.push(entry)
    zip.readEntry()
  })
  zip.once('end', () => resolve(entries))
  zip.once('error', reject)
  zip.readEntry()
  return promise
}
