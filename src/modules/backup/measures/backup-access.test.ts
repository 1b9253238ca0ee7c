import { chmod } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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

describe('backup.access', { skip: 'reason' in found && found.reason }, () => {
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
    platform = await testPlatform([proof, backup], { backup: { s3 } })
  })
  after(() => platform?.stop())
  const open = () =>
    new PutBucketPolicyCommand({
      Bucket,
      Policy: JSON.stringify({
        Version: '2012-10-17',
        Statement: [
          { Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: `arn:aws:s3:::${Bucket}/*` },
        ],
      }),
    })
  const send = (command: any) => openS3Client(s3).send(command)

  it('backup.access goes red when the bucket is opened to everybody', () =>
    proveBySabotage(platform.api('proof') as ProofApi, 'backup.access', {
      sabotage: () => send(open()),
      repair: () => send(new DeleteBucketPolicyCommand({ Bucket })),
      seen: /without a key/,
    }))
})

describe('backup.access to a folder', () => {
  let platform: TestPlatform
  const folder = join(tmpdir(), 'backups-to-read')
  before(async () => {
    platform = await testPlatform([proof, backup], { backup: { folder } })
  })
  after(() => platform?.stop())

  it('backup.access goes red when other users of the machine may enter the folder', () =>
    proveBySabotage(platform.api('proof') as ProofApi, 'backup.access', {
      sabotage: () => chmod(folder, 0o755),
      repair: () => chmod(folder, 0o700),
      seen: /other users of the machine/,
    }))
})
