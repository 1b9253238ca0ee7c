import { createHash } from 'node:crypto'
import { PassThrough, type Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ZipFile } from 'yazl'
import { z } from 'zod'
import type { Tenant } from '../../tenancy/index.ts'
import { jsonSchemaOf } from './jsonSchema.ts'
import { type Spool, spoolRows } from './spool.ts'
import { isImportable } from './tables.ts'

const hash = z.string().regex(/^[0-9a-f]{64}$/)

/** What is in an export, with SHA-256 of everything. The last entry of the archive. */
export const Manifest = z.object({
  format: z.literal('surety-export/1'),
  tenant: z.object({ id: z.uuid(), slug: z.string(), name: z.string() }),
  /** The moment of the rows; files are read after it. */
  readAt: z.iso.datetime(),
  build: z.string(),
  tables: z.array(
    z.object({
      name: z.string(),
      path: z.string(),
      schema: z.string(),
      rows: z.number().int(),
      sha256: hash,
      /** Columns that hold secrets: they are never exported. */
      omitted: z.array(z.string()),
      /** False where a row is nothing without its secret, or says who is signed in. */
      importable: z.boolean(),
    }),
  ),
  files: z.array(z.object({ path: z.string(), size: z.number().int(), sha256: hash })),
})
export type Manifest = z.output<typeof Manifest>

export const MANIFEST = 'manifest.json'
export const FILES = 'files/'

/**
 * Everything of a tenant as one ZIP that streams: `tables/<name>.ndjson` with `schemas/<name>.schema.json`, `files/<path>`,
 * and `manifest.json` at the end. Memory does not grow with the tenant. Resolves once the rows are read; ends early, as a
 * ZIP that does not open, when something fails later.
 */
export async function exportTenant(tenant: Tenant, now: Date, build: string): Promise<Readable> {
  const spool = await spoolRows(tenant, now)
  const zip = new ZipFile()
  const out = new PassThrough()
  zip.outputStream.pipe(out)
  zip.on('error', (error) => out.destroy(error as Error))
  const ending = new AbortController()
  out.once('close', () => ending.abort())
  fill({ zip, signal: ending.signal }, tenant, spool, build)
    .catch((error: Error) => out.destroy(error))
    .finally(() => spool.close())
  return out
}

/** Where entries go, until whoever reads goes away. */
interface Target {
  zip: ZipFile
  signal: AbortSignal
}

async function fill(target: Target, tenant: Tenant, spool: Spool, build: string): Promise<void> {
  const { zip } = target
  for (const { table, stream } of spool.tables) {
    zip.addBuffer(Buffer.from(JSON.stringify(jsonSchemaOf(table), null, 2)), schemaPath(table.name))
    await add(target, tablePath(table.name), stream(), true)
  }
  const files: Manifest['files'] = []
  for (const path of await tenant.files.list()) {
    const { stream } = await tenant.files.open(path)
    // What is in a tenant's files is most often compressed already.
    files.push({ path, ...(await add(target, `${FILES}${path}`, stream, false)) })
  }
  zip.addBuffer(Buffer.from(JSON.stringify(manifestOf(tenant, spool, files, build), null, 2)), MANIFEST)
  zip.end()
}

const tablePath = (name: string): string => `tables/${name}.ndjson`
const schemaPath = (name: string): string => `schemas/${name}.schema.json`

function manifestOf(
  { id, slug, name }: Tenant,
  spool: Spool,
  files: Manifest['files'],
  build: string,
): Manifest {
  return {
    format: 'surety-export/1',
    tenant: { id, slug, name },
    readAt: spool.readAt.toISOString(),
    build,
    tables: spool.tables.map(({ table, rows, sha256 }) => ({
      name: table.name,
      path: tablePath(table.name),
      schema: schemaPath(table.name),
      rows,
      sha256,
      omitted: table.columns.filter(({ isSecret }) => isSecret).map((column) => column.name),
      importable: isImportable(table),
    })),
    files,
  }
}

/** Adds an entry and resolves to what it was when the archive has taken all of it. */
async function add(
  { zip, signal }: Target,
  path: string,
  content: Readable,
  compress: boolean,
): Promise<{ size: number; sha256: string }> {
  const digest = createHash('sha256')
  let size = 0
  const measured = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      digest.update(chunk)
      size += chunk.length
      done(null, chunk)
    },
  })
  zip.addReadStream(measured, path, { compress })
  await pipeline(content, measured, { signal })
  return { size, sha256: digest.digest('hex') }
}
