import type { S3Client } from '@aws-sdk/client-s3'
import type { ProbeContext } from '../../proof/measure.ts'
import type { S3Settings } from './settings.ts'

/** The bucket that backups go to, as the probes of the bucket itself reach it. */
export interface Bucket extends S3Settings {
  client: S3Client
}

/** Ends a probe where backups lie in files: then no bucket can be looked at. */
export function bucketOf(bucket: Bucket | undefined, { notObservable }: ProbeContext<any>): Bucket {
  if (bucket) return bucket
  return notObservable(
    'NO_OBJECT_STORE',
    'Backups lie in a folder of this machine (backup.s3 is not set): nothing there holds them like this.',
  )
}

/** A key for what a probe plants; tenants' objects begin with their ids. */
export const probeKey = (bucket: Bucket, name: string) => ({
  Bucket: bucket.bucket,
  Key: `${bucket.prefix}probe/${name}`,
})

/** The status of a request: 200, or that of its refusal. */
export function outcomeOf(request: Promise<unknown>): Promise<number> {
  return request.then(
    () => 200,
    (error: { $metadata?: { httpStatusCode?: number } }) => error.$metadata?.httpStatusCode ?? 0,
  )
}
