import { after, before, describe, it } from 'node:test'
import { CreateBucketCommand, DeleteBucketPolicyCommand, PutBucketPolicyCommand } from '@aws-sdk/client-s3'
import { findObjectStore } from '../../../../test/support/objectStore.ts'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import { backup } from '../index.ts'
import { openS3Client } from '../s3Client.ts'
import type { S3Settings } from '../settings.ts'

const found = findObjectStore()

describe('backup.bucket.nodelete', { skip: 'reason' in found && found.reason }, () => {
  const s3 = {
    ...('store' in found && found.store),
    prefix: '',
    encryption: 'aws:kms',
    kmsKeyId: 'testkey-1',
    lock: 'COMPLIANCE',
    tiers: [],
  } as S3Settings
  const Bucket = s3.bucket
  let platform: TestPlatform
  before(async () => {
    await send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }))
    await send(policy())
    platform = await testPlatform([proof, backup], { backup: { s3 } })
  })
  after(() => platform?.stop())
  const policy = () =>
    new PutBucketPolicyCommand({
      Bucket,
      Policy: JSON.stringify({
        Version: '2012-10-17',
        Statement: [
          { Effect: 'Deny', Principal: '*', Action: 's3:DeleteBucket', Resource: `arn:aws:s3:::${Bucket}` },
        ],
      }),
    })
  const send = (command: any) => openS3Client(s3).send(command)

  it('backup.bucket.nodelete goes red when the policy is taken away', () =>
    proveBySabotage(platform.api('proof') as ProofApi, 'backup.bucket.nodelete', {
      sabotage: () => send(new DeleteBucketPolicyCommand({ Bucket })),
      repair: () => send(policy()),
      seen: /policy denies everybody/,
    }))
})
