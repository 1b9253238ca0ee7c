import {
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetBucketPolicyCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { newId } from '../../../kernel/ids.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import { type Bucket, bucketOf, outcomeOf, probeKey } from '../bucket.ts'

/** PREZ-28. */
export function backupBucketNodelete(given: Bucket | undefined): Measure {
  return measure({
    key: 'backup.bucket.nodelete',
    sources: ['PREZ-28'],
    family: 'availability',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.8.13'] },
    claim: {
      de: () => 'Die Richtlinie des Sicherungsspeichers verbietet jedem, ihn zu löschen.',
      en: () => 'The policy of the backup store forbids everybody to delete it.',
    },
    async prove(context) {
      const { check, positiveControl } = context
      const bucket = bucketOf(given, context)
      const { client, bucket: Bucket } = bucket
      const { Policy } = await client
        .send(new GetBucketPolicyCommand({ Bucket }))
        .catch(() => ({ Policy: undefined }))
      check('the policy denies everybody to delete the bucket', true, deniesDeletion(Policy))
      const allowing = '{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:DeleteBucket"}]}'
      positiveControl('the same look at a policy that allows it', false, deniesDeletion(allowing))
      // A bucket that holds something is never deleted, so the attempt is safe also where it is allowed (409).
      const at = probeKey(bucket, newId())
      const { VersionId } = await client.send(new PutObjectCommand({ ...at, Body: 'planted' }))
      try {
        check(
          'deleting the bucket with the key that writes backups',
          403,
          await outcomeOf(client.send(new DeleteBucketCommand({ Bucket }))),
        )
      } finally {
        await client.send(new DeleteObjectCommand({ ...at, VersionId }))
      }
    },
  })
}

interface Statement {
  Effect?: string
  Principal?: unknown
  Action?: string | string[]
  Condition?: unknown
}

function deniesDeletion(policy: string | undefined): boolean {
  const { Statement = [] } = JSON.parse(policy ?? '{}') as { Statement?: Statement[] }
  const everybody = (principal: unknown) =>
    principal === '*' || [(principal as { AWS?: unknown })?.AWS].flat().includes('*')
  return Statement.some(
    ({ Effect, Principal, Action, Condition }) =>
      Effect === 'Deny' &&
      everybody(Principal) &&
      !Condition &&
      [Action].flat().some((one) => one === 's3:DeleteBucket' || one === 's3:*'),
  )
}
