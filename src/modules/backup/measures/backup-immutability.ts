import { setTimeout as sleep } from 'node:timers/promises'
import { DeleteObjectCommand, PutObjectCommand, PutObjectRetentionCommand } from '@aws-sdk/client-s3'
import { newId } from '../../../kernel/ids.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import { type Bucket, bucketOf, outcomeOf, probeKey } from '../bucket.ts'

/** How long (ms) the planted object is held at least; the probe waits for its end and removes it. */
const HELD = 3_000

/** FSTV-19. */
export function backupImmutability(given: Bucket | undefined): Measure {
  return measure({
    key: 'backup.immutability',
    sources: ['FSTV-19'],
    family: 'availability',
    maps: { gdpr: ['32(1)(b)', '32(1)(c)'], iso27001: ['A.8.13'] },
    claim: {
      de: () =>
        'Sicherungen kann vor Ablauf ihrer Frist auch der Dienst, der sie schreibt, weder löschen noch freigeben.',
      en: () =>
        'Until their time is over, not even the service that writes the backups can delete or release them.',
    },
    async prove(context) {
      const { check, positiveControl, notApplicable } = context
      const bucket = bucketOf(given, context)
      if (bucket.lock === 'none') notApplicable('The settings ask for no lock (backup.s3.lock).')
      const { client, lock } = bucket
      const Mode = lock as 'COMPLIANCE'
      const at = probeKey(bucket, newId())
      const put = (retention: object) =>
        client.send(
          new PutObjectCommand({
            ...at,
            Body: 'planted',
            ServerSideEncryption: bucket.encryption,
            SSEKMSKeyId: bucket.kmsKeyId,
            ...retention,
          }),
        )
      const remove = (VersionId: string | undefined) =>
        outcomeOf(client.send(new DeleteObjectCommand({ ...at, VersionId })))
      const began = performance.now()
      const free = await put({})
      // What follows must be over before the object is free, also where the store is slow.
      const until = new Date(Date.now() + HELD + 10 * (performance.now() - began))
      const held = await put({ ObjectLockMode: Mode, ObjectLockRetainUntilDate: until })
      positiveControl('deleting a planted object that nothing holds', 200, await remove(free.VersionId))
      check('deleting one that is held', 403, await remove(held.VersionId))
      const shorter = { Mode, RetainUntilDate: new Date(until.getTime() - 1_000) }
      const shorten = new PutObjectRetentionCommand({ ...at, VersionId: held.VersionId, Retention: shorter })
      check('shortening its time', 403, await outcomeOf(client.send(shorten)))
      await sleep(Math.max(0, until.getTime() - Date.now()) + 1_000)
      await remove(held.VersionId)
    },
  })
}
