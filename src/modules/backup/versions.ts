import {
  DeleteObjectCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { newId } from '../../kernel/ids.ts'
import type { ProbeContext } from '../../proof/measure.ts'
import { type Bucket, outcomeOf, probeKey } from './bucket.ts'

/** Overwrites and deletes a planted object, and recovers it from its versions. */
export async function attackVersions(
  bucket: Bucket,
  { check, positiveControl }: Pick<ProbeContext<any>, 'check' | 'positiveControl'>,
): Promise<void> {
  const { client } = bucket
  const { Status } = await client.send(new GetBucketVersioningCommand({ Bucket: bucket.bucket }))
  check('the bucket says that it keeps versions', 'Enabled', Status)
  const at = probeKey(bucket, newId())
  const versions: (string | undefined)[] = []
  const put = async (Body: string) =>
    versions.push((await client.send(new PutObjectCommand({ ...at, Body }))).VersionId)
  const read = async (VersionId?: string) =>
    (await client.send(new GetObjectCommand({ ...at, VersionId }))).Body?.transformToString()
  try {
    await put('first')
    await put('second')
    positiveControl('what a planted object holds once it was overwritten', 'second', await read())
    check('its first version', 'first', await read(versions[0]).catch(() => null))
    versions.push((await client.send(new DeleteObjectCommand(at))).VersionId)
    positiveControl('the same object once it was deleted', 404, await outcomeOf(read()))
    check('its first version after that', 'first', await read(versions[0]).catch(() => null))
  } finally {
    for (const VersionId of versions) await client.send(new DeleteObjectCommand({ ...at, VersionId }))
  }
}
