import { z } from 'zod'
import { duration } from '../../kernel/duration.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

/** Where a bucket is, and who may use it. */
const bucketSettings = z.object({
  bucket: z.string().min(3),
  region: z.string().min(1),
  /** Of a store other than AWS's own. */
  endpoint: z.url().optional(),
  /** Before every name, ending with a slash; empty for none. */
  prefix: z
    .string()
    .regex(/^([\w.-]+\/)*$/)
    .default(''),
  accessKeyId: z.string().min(1),
  secretKeyFileName: z.string().min(1),
})

/** A bucket that backups go to. */
const s3Settings = bucketSettings.extend({
  /** What the store itself encrypts with, on top of our own encryption. */
  encryption: z.enum(['AES256', 'aws:kms']).default('AES256'),
  kmsKeyId: z.string().optional(),
  /** What holds objects against deletion until their time is over: nobody may delete before, or only who may bypass it. */
  lock: z.enum(['COMPLIANCE', 'GOVERNANCE', 'none']).default('COMPLIANCE'),
  /** Cheaper storage classes that the bucket moves objects to, by days since they were stored. */
  tiers: z.array(z.object({ days: z.number().int().min(1), storageClass: z.string() })).default([]),
})

export type S3Settings = z.output<typeof s3Settings>

/** pgBackRest counts whole days. */
const days = duration.refine((ms) => ms >= DAY && ms % DAY === 0, 'whole days, such as 14d')

/** The whole cluster, to any point in time, by pgBackRest. */
const pitrSettings = z.strictObject({
  /** What the cluster is called in the repository. */
  stanza: z
    .string()
    .regex(/^[a-z][a-z0-9-]*$/)
    .default('surety'),
  /** Where the repository lies as files; beside the tenants' files unless it says otherwise. */
  folder: z.string().startsWith('/').optional(),
  /** In place of files: a bucket of its own, by TLS alone. */
  s3: bucketSettings.extend({ caFileName: z.string().optional() }).optional(),
  /** How far back the cluster can be set. */
  keepFor: days.default(14 * DAY),
  /** Between two backups of everything. */
  fullEvery: duration.default(7 * DAY),
  /** Between two backups of what changed. */
  incrementalEvery: duration.default(DAY),
  /** What was written reaches the repository after this at the latest. */
  archiveEvery: duration.default(5 * 60_000),
  /** What the repository is encrypted with; made in the folder of secrets unless named. */
  passphraseFileName: z.string().optional(),
})

export type PitrSettings = z.output<typeof pitrSettings>

const planSettings = z.strictObject({
  /** Who decides, by name or office. */
  owner: z.string().min(1),
  /** How to reach the owner when everything here is down: a telephone number, or an address elsewhere. */
  contact: z.string().min(1),
  /** The day somebody last went through the plan, as 2026-03-01. */
  reviewedOn: z.iso.date(),
  reviewEvery: duration.default(365 * DAY),
  /** docs/DISASTER-RECOVERY.md unless it is one of your own. */
  fileName: z.string().startsWith('/').optional(),
})

export type PlanSettings = z.output<typeof planSettings>

/** How backups are made and kept. */
export const backupSettings = z.object({
  /**
   * `dump`: of every tenant by pg_dump. `snapshot`: none of our own; the provider's snapshots of the whole machine are
   * deemed enough.
   */
  mode: z.enum(['dump', 'snapshot']).default('dump'),
  /** Between two backups of a tenant. */
  every: duration.default(DAY),
  /** How much later than that one may be before it counts as missing. */
  grace: duration.default(2 * HOUR),
  /**
   * `gzip`: by pg_dump itself, readable by every pg_restore as it is. `zstd`: outside of pg_dump, at level 1 in an eighth
   * of the time of gzip 9 and no larger, but pg_restore needs zstd before it.
   */
  compression: z.enum(['gzip', 'zstd']).default('gzip'),
  level: z.number().int().min(1).max(19).default(9),
  /** Backups made at the same time. */
  atOnce: z.number().int().min(1).max(32).default(2),
  /** A backup is removed after this. */
  keepFor: duration.default(30 * DAY),
  /** The first backup of each `archiveEvery` is kept for this instead; without it none is. */
  archiveFor: duration.optional(),
  archiveEvery: duration.default(30 * DAY),
  /** At least this often a backup is really restored and compared. */
  drillEvery: duration.default(90 * DAY),
  /** A restore, from the request to the first verified answer, takes no longer. */
  rto: duration.default(4 * HOUR),
  /** No more than this much time's data is lost; without it nothing is promised but the interval. */
  rpo: duration.optional(),
  /** Where backups lie, in place of files. */
  s3: s3Settings.optional(),
  /** Where backups lie as files; beside the tenants' files unless it says otherwise. */
  folder: z.string().optional(),
  /** Off unless given: everything of the cluster, tenants and deployment, to any point in time. */
  pitr: pitrSettings.optional(),
  /** How to restore, with the commands that the measure runs; docs/BACKUP.md unless it is one of your own. */
  runbookFileName: z.string().startsWith('/').optional(),
  /** Who answers for the plan for a disaster; without it none is claimed. */
  plan: planSettings.optional(),
  /** The provider's list of snapshots as JSON: an array of objects with `created`, an ISO 8601 instant. */
  snapshotListFileName: z.string().optional(),
})

export type BackupSettings = z.output<typeof backupSettings>
