import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { newId } from '../../../kernel/ids.ts'
import { type Measure, measure, type ProbeContext } from '../../../proof/measure.ts'
import { type Bucket, outcomeOf, probeKey } from '../bucket.ts'

/** FSTV-18, PREZ-12. */
export function backupAccess(bucket: Bucket | undefined, folder: string): Measure {
  return measure({
    key: 'backup.access',
    sources: ['FSTV-18', 'PREZ-12'],
    family: 'data-access',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.8.3', 'A.8.13'] },
    claim: {
      de: () => 'Auf die Sicherungen kommt nur, wer den Zugang des Sicherungsdienstes hat.',
      en: () => 'Only who has the access of the backup service reaches the backups.',
    },
    prove: (context) => (bucket ? proveBucket(bucket, context) : proveFolder(folder, context)),
  })
}

async function proveBucket(bucket: Bucket, { check, positiveControl }: ProbeContext<any>): Promise<void> {
  const { client, region, endpoint } = bucket
  const at = probeKey(bucket, newId())
  const { VersionId } = await client.send(new PutObjectCommand({ ...at, Body: 'planted' }))
  // A body that nobody reads would keep its connection.
  const content = async (as: S3Client) => (await as.send(new GetObjectCommand(at))).Body?.transformToString()
  const read = (as: S3Client) => outcomeOf(content(as))
  const stranger = (credentials: object) =>
    new S3Client({ region, ...(endpoint ? { endpoint, forcePathStyle: true } : {}), ...credentials })
  try {
    positiveControl("reading a planted object with the service's key", 200, await read(client))
    const nobody = stranger({
      signer: { sign: async (request: unknown) => request },
      credentials: { accessKeyId: '', secretAccessKey: '' },
    })
    check('reading it without a key', 403, await read(nobody))
    const wrong = stranger({
      credentials: { accessKeyId: bucket.accessKeyId, secretAccessKey: 'another secret' },
    })
    check('reading it with a wrong secret', 403, await read(wrong))
  } finally {
    await client.send(new DeleteObjectCommand({ ...at, VersionId }))
  }
}

/** Files and folders that other users of the machine may enter or read. */
async function openToOthers(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true })
  const found: string[] = []
  for (const entry of ['.', ...entries]) {
    const mode = await stat(join(folder, entry)).then(
      (stats) => stats.mode,
      () => 0, // it was removed meanwhile
    )
    if (mode & 0o077) found.push(entry)
  }
  return found
}

async function proveFolder(folder: string, { check, positiveControl }: ProbeContext<any>): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const planted = `.probe-${newId()}`
  check(
    'files and folders of backups that other users of the machine may read',
    [],
    await openToOthers(folder),
  )
  await writeFile(join(folder, planted), 'planted', { mode: 0o644 })
  try {
    positiveControl('the same look sees a planted one', [planted], await openToOthers(folder))
  } finally {
    await rm(join(folder, planted))
  }
}
