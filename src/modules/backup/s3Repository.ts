import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import {
  DeleteObjectCommand,
  GetObjectCommand,
  GetObjectRetentionCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  PutObjectRetentionCommand,
  paginateListObjectsV2,
  type S3Client,
} from '@aws-sdk/client-s3'
import { newId } from '../../kernel/ids.ts'
import { defineProblem } from '../../kernel/problems.ts'
import type { Bytes } from './frames.ts'
import { objectExists, objectMissing, type Repository } from './repository.ts'
import type { S3Settings } from './settings.ts'

const notProtected = defineProblem({
  code: 'backup-not-protected',
  status: 500,
  title: 'The object store did not do what it was asked to',
})
const tooLarge = defineProblem({ code: 'backup-too-large', status: 500, title: 'The backup is too large' })

/** An object that a lock holds against deletion. */
export const objectHeld = defineProblem({
  code: 'backup-object-held',
  status: 409,
  title: 'A lock still holds the object',
})

/** What one PUT may carry. */
const MOST_BYTES = 5 * 1024 ** 3

/**
 * Backups in a bucket. The encrypted object is staged in `staging`, sent in one PUT with encryption and retention, and
 * then asked for again: a store may answer 200 and silently leave out either. An object that is not held and encrypted as
 * it should be fails the backup (Problem `backup-not-protected`).
 */
export function openS3Repository(client: S3Client, settings: S3Settings, staging: string): Repository {
  const { bucket: Bucket, prefix } = settings
  const keyOf = (name: string) => `${prefix}${name}`
  const at = (name: string) => ({ Bucket, Key: keyOf(name) })

  async function has(name: string): Promise<boolean> {
    return client.send(new HeadObjectCommand(at(name))).then(
      () => true,
      (error: unknown) => {
        if (statusOf(error) === 404) return false
        throw error
      },
    )
  }

  return {
    kind: 's3',
    async put(name, content, keepUntil) {
      // Not every store minds If-None-Match in a bucket with versions.
      if (await has(name)) throw objectExists(`${name} is already there.`)
      await staged(staging, content, async ({ path, size, md5 }) => {
        if (size > MOST_BYTES) throw tooLarge(`${name} has ${size} bytes; one PUT takes ${MOST_BYTES}.`)
        const { VersionId } = await client.send(
          new PutObjectCommand({
            ...at(name),
            Body: createReadStream(path),
            ContentLength: size,
            ContentMD5: md5,
            IfNoneMatch: '*',
            ServerSideEncryption: settings.encryption,
            ...(settings.kmsKeyId ? { SSEKMSKeyId: settings.kmsKeyId } : {}),
            ...(isHeld(settings, keepUntil)
              ? { ObjectLockMode: settings.lock as 'COMPLIANCE', ObjectLockRetainUntilDate: keepUntil }
              : {}),
          }),
        )
        await verify(client, settings, { ...at(name), VersionId }, { size, keepUntil })
      })
    },
    async open(name) {
      const { Body } = await client.send(new GetObjectCommand(at(name))).catch((cause: unknown) => {
        throw statusOf(cause) === 404 ? objectMissing(`There is no ${name}.`, { cause }) : cause
      })
      return Body as Readable
    },
    has,
    async list(start) {
      const found = []
      for await (const { Contents = [] } of paginateListObjectsV2(
        { client },
        { Bucket, Prefix: keyOf(start) },
      ))
        for (const { Key = '', Size = 0 } of Contents)
          found.push({ name: Key.slice(prefix.length), size: Size })
      return found.sort((a, b) => (a.name < b.name ? -1 : 1))
    },
    async extend(name, keepUntil) {
      if (!isHeld(settings, keepUntil)) return
      const { Retention } = await client.send(new GetObjectRetentionCommand(at(name)))
      if (Retention?.RetainUntilDate && Retention.RetainUntilDate >= keepUntil) return
      const longer = { Mode: settings.lock as 'COMPLIANCE', RetainUntilDate: keepUntil }
      await client.send(new PutObjectRetentionCommand({ ...at(name), Retention: longer }))
      await verifyRetention(client, settings, at(name), keepUntil)
    },
    async remove(name) {
      const { Versions = [], DeleteMarkers = [] } = await client.send(
        new ListObjectVersionsCommand({ Bucket, Prefix: keyOf(name) }),
      )
      for (const { Key, VersionId } of [...Versions, ...DeleteMarkers]) {
        if (Key !== keyOf(name)) continue
        await client.send(new DeleteObjectCommand({ ...at(name), VersionId })).catch((cause: unknown) => {
          throw statusOf(cause) === 403 ? objectHeld(`${name} cannot be deleted yet.`, { cause }) : cause
        })
      }
    },
  }
}

interface Version {
  Bucket: string
  Key: string
  VersionId?: string
}

/** Asks for what was stored, by its version: size, encryption and retention must be what was asked for. */
async function verify(
  client: S3Client,
  settings: S3Settings,
  version: Version,
  { size, keepUntil }: { size: number; keepUntil: Date },
): Promise<void> {
  const { ContentLength, ServerSideEncryption } = await client.send(new HeadObjectCommand(version))
  if (ContentLength !== size) throw notProtected(`${version.Key} has ${ContentLength} bytes, not ${size}.`)
  if (ServerSideEncryption !== settings.encryption)
    throw notProtected(
      `${version.Key} is stored with ${ServerSideEncryption ?? 'no encryption'}, not ${settings.encryption}.`,
    )
  if (isHeld(settings, keepUntil)) await verifyRetention(client, settings, version, keepUntil)
}

/** Stores refuse a lock that is over already; they go by their own clocks, not by the deployment's. */
function isHeld({ lock }: S3Settings, keepUntil: Date): boolean {
  return lock !== 'none' && keepUntil.getTime() > Date.now()
}

async function verifyRetention(
  client: S3Client,
  { lock }: S3Settings,
  version: Version,
  keepUntil: Date,
): Promise<void> {
  const { Retention } = await client
    .send(new GetObjectRetentionCommand(version))
    .catch(() => ({ Retention: undefined }))
  // A store may keep whole seconds only.
  const held = (Retention?.RetainUntilDate?.getTime() ?? 0) >= Math.floor(keepUntil.getTime() / 1_000) * 1_000
  if (Retention?.Mode !== lock || !held)
    throw notProtected(`${version.Key} is not held against deletion until ${keepUntil.toISOString()}.`)
}

/** Writes the encrypted content to a file first: its size and checksum go ahead of it. */
async function staged<T>(
  folder: string,
  content: Bytes,
  work: (file: { path: string; size: number; md5: string }) => Promise<T>,
): Promise<T> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const path = join(folder, newId())
  try {
    const hash = createHash('md5')
    const hashing = async function* (source: AsyncIterable<Uint8Array>) {
      for await (const part of source) {
        hash.update(part)
        yield part
      }
    }
    await pipeline(Readable.from(content), hashing, createWriteStream(path, { flags: 'wx', mode: 0o600 }))
    const handle = await open(path)
    const { size } = await handle.stat().finally(() => handle.close())
    return await work({ path, size, md5: hash.digest('base64') })
  } finally {
    await unlink(path).catch(() => undefined)
  }
}

/** HTTP status of a refused request; undefined when it never got an answer. */
export function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode
}
