import { createHash, createHmac } from 'node:crypto'
import { json } from 'node:stream/consumers'
import { z } from 'zod'
import { type Bytes, decrypt, encrypt, type NamedKey } from './frames.ts'
import type { BackupKeys } from './keys.ts'
import type { Repository } from './repository.ts'

const Sha256 = z.string().regex(/^[0-9a-f]{64}$/)

/** One route's answer at the time of the backup. */
const Answer = z.object({ path: z.string(), status: z.number().int(), sha256: Sha256 })

/** What a backup holds, written last: with it, and not before, the backup exists. */
const Manifest = z.object({
  format: z.literal(1),
  backupId: z.uuid(),
  tenantId: z.uuid(),
  slug: z.string(),
  model: z.enum(['database', 'rows']),
  class: z.enum(['recent', 'archive']),
  startedAt: z.coerce.date(),
  /** Just before the snapshot was taken: everything committed by then is in. */
  snapshotAt: z.coerce.date(),
  expiresAt: z.coerce.date(),
  build: z.string(),
  /** Major version of the server and of pg_dump. */
  postgres: z.number().int(),
  compression: z.enum(['gzip', 'zstd']),
  /** Before encryption. */
  dump: z.object({ size: z.number().int(), sha256: Sha256 }),
  /** What the pool's tables are made of; null where the dump says it too. */
  schemaDump: z.object({ size: z.number().int(), sha256: Sha256 }).nullable(),
  tables: z.array(z.object({ name: z.string(), rows: z.number().int(), hash: z.string() })),
  shape: z.object({
    schema: Sha256,
    migrations: z.array(z.object({ name: z.string(), sha256: Sha256 })),
  }),
  files: z.array(z.object({ path: z.string(), size: z.number().int(), sha256: Sha256, object: z.string() })),
  /** SHA-256 of the canonical OpenAPI document that the tenant's host served; null when none answered. */
  openapi: Sha256.nullable(),
  /** Of a canary tenant: its public routes' answers, for a drill to compare. */
  answers: z.array(Answer),
})

export type Manifest = z.output<typeof Manifest>

/** Names of a backup's own objects. */
export const objectName = {
  dump: (tenantId: string, backupId: string) => `${tenantId}/${backupId}/dump`,
  schema: (tenantId: string, backupId: string) => `${tenantId}/${backupId}/schema`,
  manifest: (tenantId: string, backupId: string) => `${tenantId}/${backupId}/manifest`,
  /** Named by a keyed hash of the content: equal files are stored once, and the name tells nothing. */
  file: (tenantId: string, { key }: NamedKey, sha256: string) =>
    `${tenantId}/files/${createHmac('sha256', key).update(`file ${sha256}`).digest('hex')}`,
}

/** Encrypted objects: a repository and the keys to it. */
export interface Sealed {
  repository: Repository
  keys: BackupKeys
}

/** Encrypts and stores `content`. Returns what it was. */
export async function writeObject(
  { repository, keys }: Sealed,
  name: string,
  content: Bytes,
  keepUntil: Date,
): Promise<Passed> {
  const { stream, passed } = measured(content)
  await repository.put(name, encrypt(stream, await keys.current(tenantOf(name)), name), keepUntil)
  return passed()
}

/** The decrypted content of an object, verified frame by frame. Throws `backup-object-missing`, `backup-unreadable`. */
export async function* readObject({ repository, keys }: Sealed, name: string): AsyncGenerator<Buffer> {
  const tenantId = tenantOf(name)
  yield* decrypt(await repository.open(name), (keyId) => keys.find(tenantId, keyId), name)
}

/** Encrypts and stores a manifest. */
export async function writeManifest(sealed: Sealed, manifest: Manifest): Promise<void> {
  const name = objectName.manifest(manifest.tenantId, manifest.backupId)
  await writeObject(sealed, name, [Buffer.from(JSON.stringify(manifest))], manifest.expiresAt)
}

/** Throws Problems `backup-object-missing` and `backup-unreadable`. */
export async function readManifest(sealed: Sealed, tenantId: string, backupId: string): Promise<Manifest> {
  return Manifest.parse(await json(readObject(sealed, objectName.manifest(tenantId, backupId))))
}

const tenantOf = (name: string) => name.slice(0, 36)

/** What passed through a stream. */
export interface Passed {
  size: number
  sha256: string
}

/** Passes a stream on and tells its size and SHA-256 once it has ended. */
export function measured(source: Bytes): { stream: AsyncIterable<Uint8Array>; passed(): Passed } {
  const hash = createHash('sha256')
  let size = 0
  const stream = (async function* () {
    for await (const part of source) {
      hash.update(part)
      size += part.length
      yield part
    }
  })()
  return { stream, passed: () => ({ size, sha256: hash.digest('hex') }) }
}

/** Size and SHA-256 of a whole stream. */
export async function measureAll(source: Bytes): Promise<Passed> {
  const { stream, passed } = measured(source)
  for await (const _part of stream);
  return passed()
}
