import { S3Client } from '@aws-sdk/client-s3'
import { readSecret } from '../../data/secrets.ts'
import type { S3Settings } from './settings.ts'

/** The client of the bucket, with the key that is in the named file. */
export function openS3Client({ endpoint, region, accessKeyId, secretKeyFileName }: S3Settings): S3Client {
  return new S3Client({
    region,
    ...(endpoint ? { endpoint, forcePathStyle: true } : {}),
    credentials: { accessKeyId, secretAccessKey: readSecret(secretKeyFileName) },
    // Stores other than AWS's own refuse the checksums that the client would add by itself (aws-sdk-js-v3 #6810).
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
}
