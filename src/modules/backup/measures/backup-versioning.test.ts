import { after, before, describe, it } from 'node:test'
import { CreateBucketCommand, PutBucketVersioningCommand } from '@aws-sdk/client-s3'
import { findObjectStore } from '../../../../test/support/objectStore.ts'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import { databases } from '../../../data/roles.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import { type BackupApi, backup } from '../index.ts'
import { openS3Client } from '../s3Client.ts'
import type { S3Settings } from '../settings.ts'

const found = findObjectStore()

describe('backup.versioning', { skip: 'reason' in found && found.reason }, () => {
  const s3 = {
    ...('store' in found && found.store),
    prefix: '',
    encryption: 'aws:kms',
    kmsKeyId: 'testkey-1',
    lock: 'none',
    tiers: [],
  } as S3Settings
  const Bucket = s3.bucket
  let platform: TestPlatform
  before(async () => {
    await send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: false }))
    await send(versions('Enabled'))
    platform = await testPlatform([proof, backup], { backup: { s3 } })
  })
  after(() => platform?.stop())
  const versions = (Status: 'Enabled' | 'Suspended') =>
    new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } })
  const send = (command: any) => openS3Client(s3).send(command)

  it('backup.versioning goes red when the bucket no longer keeps versions', () =>
    proveBySabotage(platform.api('proof') as ProofApi, 'backup.versioning', {
      sabotage: () => send(versions('Suspended')),
      repair: () => send(versions('Enabled')),
      seen: /keeps versions/,
    }))

  it('backup.versioning.pitr goes red when what was written before a point is not in its backup', async () => {
    const inPool = (statement: string, at: Date, id: string) =>
      platform.asSuperuser(databases.pool, (client) => client.query(statement, [id, at]))
    const canary = await platform.tenancy.bySlug('canary-rows-a')
    let lost = new Date(0)
    await proveBySabotage(platform.api('proof') as ProofApi, 'backup.versioning.pitr', {
      async sabotage() {
        const backups = await (platform.api('backup') as BackupApi).list(canary.slug)
        const oldest = Math.min(...backups.map(({ snapshotAt }) => Number(snapshotAt)))
        lost = new Date(oldest - 1)
        await inPool('INSERT INTO backup.heartbeat (tenant_id, at) VALUES ($1, $2)', lost, canary.id)
      },
      repair: () => inPool('DELETE FROM backup.heartbeat WHERE tenant_id = $1 AND at = $2', lost, canary.id),
      seen: /last sign of life in the backup/,
    })
  })

  it('backup.versioning.pitr, which promises points of backups then, does too', () =>
    proveBySabotage(platform.api('proof') as ProofApi, 'backup.versioning.pitr', {
      sabotage: () => send(versions('Suspended')),
      repair: () => send(versions('Enabled')),
      seen: /keeps versions/,
    }))
})
