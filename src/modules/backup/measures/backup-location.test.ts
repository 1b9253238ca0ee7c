import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { findObjectStore } from '../../../../test/support/objectStore.ts'
import { testPlatform } from '../../../../test/support/platform.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import { backup } from '../index.ts'
import { openS3Client } from '../s3Client.ts'
import type { S3Settings } from '../settings.ts'

const found = findObjectStore()

describe('backup.location', { skip: 'reason' in found && found.reason }, () => {
  const s3 = {
    ...('store' in found && found.store),
    prefix: '',
    encryption: 'aws:kms',
    kmsKeyId: 'testkey-1',
    lock: 'COMPLIANCE',
    tiers: [],
  } as S3Settings
  const Bucket = s3.bucket
  before(() => openS3Client(s3).send(new CreateBucketCommand({ Bucket })))

  it('backup.location is proven where the store names the region of the settings, and red where it names another', async () => {
    for (const { region, outcome } of [
      { region: s3.region, outcome: 'proven' },
      { region: 'elsewhere-1', outcome: 'failed' },
    ]) {
      const platform = await testPlatform([proof, backup], { backup: { s3: { ...s3, region } } })
      try {
        assert.equal((await (platform.api('proof') as ProofApi).run('backup.location')).outcome, outcome)
      } finally {
        await platform.stop()
      }
    }
  })
})
