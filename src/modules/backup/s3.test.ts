import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { CreateBucketCommand, DeleteObjectCommand, ListObjectVersionsCommand } from '@aws-sdk/client-s3'
import { sql } from 'drizzle-orm'
import { findObjectStore } from '../../../test/support/objectStore.ts'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { databases } from '../../data/roles.ts'
import type { ProofApi } from '../../proof/api.ts'
import { proof } from '../../proof/index.ts'
import type { BackupApi } from './api.ts'
import { backup } from './index.ts'
import { openS3Client } from './s3Client.ts'
import { openS3Repository } from './s3Repository.ts'
import type { S3Settings } from './settings.ts'

const found = findObjectStore()

describe('backups in a bucket', { skip: 'reason' in found && found.reason }, () => {
  const settings = {
    ...('store' in found && found.store),
    prefix: 'tenants/',
    encryption: 'aws:kms',
    kmsKeyId: 'testkey-1',
    lock: 'COMPLIANCE',
  } as S3Settings
  const staging = join(tmpdir(), 's3-staging')
  const apart = { ...settings, prefix: 'apart/' }
  const repositoryWith = (changes: Partial<S3Settings> = {}) =>
    openS3Repository(openS3Client(settings), { ...apart, ...changes }, staging)
  const soon = (ms: number) => new Date(Date.now() + ms)
  let platform: TestPlatform
  /** Other tests keep their backups elsewhere, and share the index. */
  const forget = () =>
    platform?.asSuperuser(databases.control, (client) => client.query('DELETE FROM backup.backup'))
  before(async () => {
    await openS3Client(settings).send(
      new CreateBucketCommand({ Bucket: settings.bucket, ObjectLockEnabledForBucket: true }),
    )
    platform = await testPlatform([proof, backup], { backup: { s3: settings } })
    await forget()
  })
  after(async () => {
    await forget()
    await platform?.stop()
  })

  it('an object comes back, is not overwritten, and cannot be deleted before its time', async () => {
    const repository = repositoryWith()
    const name = 'aa/bb/dump'
    await repository.put(name, [Buffer.from('content')], soon(3_600_000))
    assert.equal((await buffer(await repository.open(name))).toString(), 'content')
    assert.deepEqual(await repository.list('aa/'), [{ name, size: 7 }])
    await assert.rejects(repository.put(name, [Buffer.from('other')], soon(3_600_000)), {
      code: 'backup-object-exists',
    })
    await assert.rejects(repository.remove(name), { code: 'backup-object-held' })
    assert.equal((await buffer(await repository.open(name))).toString(), 'content')
    await assert.rejects(repository.open('aa/bb/none'), { code: 'backup-object-missing' })
  })

  it('an object whose encryption the store silently left out fails the backup', async () => {
    // radosgw answers 200 to SSE-S3 and stores the object as it is.
    const repository = repositoryWith({ encryption: 'AES256', kmsKeyId: undefined })
    await assert.rejects(repository.put('aa/cc/dump', [Buffer.from('x')], soon(2_000)), {
      code: 'backup-not-protected',
      message: /no encryption, not AES256/,
    })
  })

  it('an object whose retention the store silently left out fails the backup', async () => {
    const client = openS3Client(settings)
    // A store that drops the headers of the lock, as radosgw does for multipart uploads.
    client.middlewareStack.add(
      (next) => (args) => {
        const { headers } = args.request as { headers: Record<string, string> }
        for (const name of Object.keys(headers))
          if (name.startsWith('x-amz-object-lock')) delete headers[name]
        return next(args)
      },
      { step: 'build', priority: 'low' },
    )
    const repository = openS3Repository(client, apart, staging)
    await assert.rejects(repository.put('aa/dd/dump', [Buffer.from('x')], soon(60_000)), {
      code: 'backup-not-protected',
      message: /not held against deletion/,
    })
  })

  it('a tenant is backed up into the bucket and restored from it', async () => {
    const api = platform.api('backup') as BackupApi
    const tenant = await platform.makeTenant('rows')
    const markers = async () =>
      (await tenant.transaction((db) => db.execute(sql`SELECT marker FROM tenancy.canary`))).rows
    await tenant.transaction((db) =>
      db.execute(sql`INSERT INTO tenancy.canary (id, marker) VALUES (gen_random_uuid(), 'kept')`),
    )
    await tenant.files.write('file.txt', [Buffer.from('file')])
    const { id } = await api.backUp(tenant.slug)
    await api.backUp(tenant.slug) // the file is there already: its lock is looked at again
    await tenant.transaction((db) => db.execute(sql`DELETE FROM tenancy.canary`))
    await api.restore(id, tenant.slug)
    assert.deepEqual(await markers(), [{ marker: 'kept' }])
    assert.deepEqual(await tenant.files.list(), ['file.txt'])
  })

  it('an object with a lock is removed with all its versions once its time is over', async () => {
    const repository = repositoryWith()
    const name = 'aa/ee/dump'
    const client = openS3Client(settings)
    await repository.put(name, [Buffer.from('x')], soon(1_500))
    await client.send(new DeleteObjectCommand({ Bucket: settings.bucket, Key: `apart/${name}` }))
    for (;;) {
      const refused = await repository.remove(name).then(
        () => false,
        () => true,
      )
      if (!refused) break
    }
    const { Versions, DeleteMarkers } = await client.send(
      new ListObjectVersionsCommand({ Bucket: settings.bucket, Prefix: `apart/${name}` }),
    )
    assert.deepEqual([Versions ?? [], DeleteMarkers ?? []], [[], []])
  })

  it('schedule, retention, encryption and mode are proven for a bucket as they are for a folder', async () => {
    await (platform.api('backup') as BackupApi).due()
    for (const key of ['backup.schedule', 'backup.retention', 'backup.encryption', 'backup.mode']) {
      const { outcome, reason } = await (platform.api('proof') as ProofApi).run(key)
      assert.equal(outcome, 'proven', `${key}: ${reason}`)
    }
  })
})
