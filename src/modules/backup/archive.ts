import { pipeline } from 'node:stream/promises'
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib'
import type { BackupParts } from './backUp.ts'
import type { Bytes } from './frames.ts'
import { type Manifest, objectName, readManifest, readObject } from './manifest.ts'
import { findPrograms } from './programs.ts'

/** Compresses a dump that pg_dump left as it is. */
export async function* compressDump(source: Bytes, level: number): AsyncGenerator<Uint8Array> {
  yield* through(source, createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: level } }))
}

/** A backup's dump as pg_restore reads it. */
export async function* readDump(parts: BackupParts, manifest: Manifest): AsyncGenerator<Uint8Array> {
  const { tenantId, backupId, compression } = manifest
  const stored = readObject(parts, objectName.dump(tenantId, backupId))
  yield* compression === 'gzip' ? stored : through(stored, createZstdDecompress())
}

async function* through(
  source: Bytes,
  filter: ReturnType<typeof createZstdCompress | typeof createZstdDecompress>,
): AsyncGenerator<Uint8Array> {
  const pouring = pipeline(source, filter)
  pouring.catch(() => undefined) // reading ends with the same error
  yield* filter
  await pouring
}

/** What pg_restore says of a dump. */
export interface ArchiveListing {
  format: string
  /** Whether it holds rows of tables. */
  rows: boolean
  compression: string
}

/** Lets pg_restore read the table of contents of a backup. Throws when it cannot. */
export async function listArchive(
  parts: BackupParts,
  backup: { tenantId: string; id: string },
): Promise<ArchiveListing> {
  const manifest = await readManifest(parts, backup.tenantId, backup.id)
  const programs = findPrograms(parts.stores.migrator?.config ?? {}, manifest.postgres)
  const listing = await programs.feed('pg_restore', ['--list'], readDump(parts, manifest))
  const said = (what: string) => new RegExp(`^;\\s+${what}: (.+)$`, 'm').exec(listing)?.[1] ?? ''
  const inside = said('Compression')
  // Until version 15 the level of gzip, since then the method alone.
  const level = /^[1-9]$/.test(inside) ? `gzip ${inside}` : inside
  return {
    format: said('Format'),
    rows: / TABLE DATA /.test(listing),
    compression: manifest.compression === 'zstd' ? 'zstd' : level,
  }
}
