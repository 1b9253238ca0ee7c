import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { findObjectStore } from '../../../../test/support/objectStore.ts'
import { probe } from '../../../../test/support/probe.ts'
import { openS3Client } from '../s3Client.ts'
import type { S3Settings } from '../settings.ts'
import { backupImmutability } from './backup-immutability.ts'

const found = findObjectStore()

describe('backup.immutability', { skip: 'reason' in found && found.reason }, () => {
  const s3 = {
    ...('store' in found && found.store),
    prefix: '',
    encryption: 'aws:kms',
    kmsKeyId: 'testkey-1',
    lock: 'COMPLIANCE',
    tiers: [],
  } as S3Settings
  before(() =>
    openS3Client(s3).send(new CreateBucketCommand({ Bucket: s3.bucket, ObjectLockEnabledForBucket: true })),
  )

  it('goes red when locks no longer arrive at the store, and is green when they do', async () => {
    let dropped = true
    const client = openS3Client(s3)
    // Something between service and store drops the headers of the lock: the object is stored, and nothing holds it.
    client.middlewareStack.add(
      (next) => (args) => {
        const { headers } = args.request as { headers: Record<string, string> }
        for (const name of Object.keys(headers))
          if (dropped && name.startsWith('x-amz-object-lock')) delete headers[name]
        return next(args)
      },
      { step: 'build', priority: 'low' },
    )
    const measure = backupImmutability({ ...s3, client })
    assert.match((await probe(measure)).failed.join(), /deleting one that is held/)
    dropped = false
    assert.deepEqual((await probe(measure)).failed, [])
  })
})
