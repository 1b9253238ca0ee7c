import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { CreateBucketCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'
import { findObjectStore } from '../../../../test/support/objectStore.ts'
import { ownPostgres } from '../../../../test/support/ownPostgres.ts'
import { noPgBackRest } from '../../../../test/support/pgBackRest.ts'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { systemClock } from '../../../kernel/clock.ts'
import type { Tenant } from '../../tenancy/index.ts'
import { archiveSettings, type BackupApi, backup } from '../index.ts'
import { openS3Client } from '../s3Client.ts'
import type { S3Settings } from '../settings.ts'
import type { Cluster } from './cluster.ts'
import { markInstant, rehearse } from './rehearsal.ts'

const found = findObjectStore()
const missing = 'reason' in found ? found.reason : noPgBackRest()

describe('the whole cluster in a bucket', { skip: missing }, () => {
  const { store, tls } = found as Exclude<typeof found, { reason: string }>
  let platform: TestPlatform
  let stop: () => Promise<void>
  const client = () => openS3Client(store as S3Settings)
  before(async () => {
    await client().send(new CreateBucketCommand({ Bucket: store.bucket }))
    const place = { config: join(tmpdir(), 'platform-files/pgbackrest/pgbackrest.conf'), stanza: 'surety' }
    stop = await ownPostgres((cluster) => archiveSettings(place, cluster, { archiveEvery: 300_000 }))
    const s3 = { ...store, ...tls, prefix: 'cluster/' }
    platform = await testPlatform([backup], { backup: { pitr: { s3 } } })
  })
  after(async () => {
    await platform?.stop()
    await stop?.()
  })

  it('is backed up and set back to an instant, by TLS', async () => {
    const cluster = (platform.api('backup') as BackupApi).cluster as Cluster
    const [pair] = await platform.tenancy.canaries.open()
    const { kind, bytes } = await cluster.backUp('full')
    assert.ok(kind === 'full' && bytes > 0)
    const { stores } = platform
    const between = await markInstant(stores, cluster, pair?.a as Tenant)
    const seen = await rehearse(
      { stores, cluster, clock: systemClock },
      between,
      AbortSignal.timeout(120_000),
    )
    assert.deepEqual(seen, { before: true, after: false, closed: [] })
    const { Contents = [] } = await client().send(
      new ListObjectsV2Command({ Bucket: store.bucket, Prefix: 'cluster/' }),
    )
    assert.ok(Contents.length > 0)
  })
})
