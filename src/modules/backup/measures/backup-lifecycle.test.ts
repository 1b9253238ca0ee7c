import { after, before, describe, it } from 'node:test'
import { CreateBucketCommand, PutBucketLifecycleConfigurationCommand } from '@aws-sdk/client-s3'
import { findObjectStore } from '../../../../test/support/objectStore.ts'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import { backup } from '../index.ts'
import { openS3Client } from '../s3Client.ts'
import type { S3Settings } from '../settings.ts'

const found = findObjectStore()

describe('backup.lifecycle', { skip: 'reason' in found && found.reason }, () => {
  const s3 = {
    ...('store' in found && found.store),
    prefix: '',
    encryption: 'aws:kms',
    kmsKeyId: 'testkey-1',
    lock: 'COMPLIANCE',
    tiers: [{ days: 30, storageClass: 'STANDARD_IA' }],
  } as S3Settings
  const Bucket = s3.bucket
  let platform: TestPlatform
  before(async () => {
    await send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }))
    await send(rules(31))
    platform = await testPlatform([proof, backup], { backup: { s3, keepFor: '31d' } })
  })
  after(() => platform?.stop())
  const rules = (expireAfter: number) =>
    new PutBucketLifecycleConfigurationCommand({
      Bucket,
      LifecycleConfiguration: {
        Rules: [
          {
            ID: 'tiers',
            Status: 'Enabled',
            Filter: { Prefix: '' },
            Transitions: [{ Days: 30, StorageClass: 'STANDARD_IA' }],
            Expiration: { Days: expireAfter },
          },
        ],
      },
    })
  const send = (command: any) => openS3Client(s3).send(command)

  it('backup.lifecycle goes red when objects expire later than promised', () =>
    proveBySabotage(platform.api('proof') as ProofApi, 'backup.lifecycle', {
      sabotage: () => send(rules(60)),
      repair: () => send(rules(31)),
      seen: /rules of the bucket/,
    }))
})
