import type { Tenant } from '../tenancy/index.ts'
import type { BackupStep } from './backUp.ts'
import type { BackupRecord } from './catalogue.ts'
import type { Cluster } from './cluster/cluster.ts'
import type { DrillReport } from './drillLog.ts'
import type { RestorePhase, RestoreReport } from './restore.ts'
import type { Sweep } from './schedule.ts'

/** What other modules and the command line get from backup. Making backups needs a process with the migrator's password. */
export interface BackupApi {
  /** Backs up one tenant now. Throws Problems `tenant-not-found` and `backup-busy`. */
  backUp(slug: string, onStep?: (step: BackupStep) => void): Promise<BackupRecord>
  /** Makes what is due and removes what is over; to be called again and again by one or several processes. Once `signal` aborts no further one is begun. */
  due(signal?: AbortSignal): Promise<Sweep>
  /**
   * Puts a backup in place of all that the tenant `slug` has, whether it is the tenant that was backed up or another. In
   * another, what the vault sealed for the first stays sealed: its keys are the first tenant's own.
   * Throws Problems `backup-not-found`, `backup-unreadable`, `backup-differs`, `backup-too-new`, `restore-busy`.
   */
  restore(backupId: string, slug: string, onPhase?: (phase: RestorePhase) => void): Promise<RestoreReport>
  /** Removes all backups of a tenant that is erased; safe to repeat. */
  erase(tenant: { id: string }): Promise<void>
  /** Runs `run` for each tenant that was restored, after its rows and files are back. Safe to repeat, as it may be. */
  afterRestore(run: (tenant: Tenant) => Promise<void>): void
  /**
   * Restores the newest backup of a canary into a trial tenant, boots it and compares; the report says whether it
   * passed. Throws Problems `tenant-not-found` and `drill-no-backup`.
   */
  drill(slug: string): Promise<DrillReport>
  /** Reports, newest first. */
  drills(since: Date, limit?: number): Promise<DrillReport[]>
  /** Available backups, newest first; of one tenant or of all. */
  list(slug?: string): Promise<BackupRecord[]>
  /** Backups of the whole cluster; undefined where the settings ask for none (`backup.pitr`). */
  cluster: Cluster | undefined
}
