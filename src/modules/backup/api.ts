import type { BackupStep } from './backUp.ts'
import type { BackupRecord } from './catalogue.ts'
import type { Sweep } from './schedule.ts'

/** What other modules and the command line get from backup. Making backups needs a process with the migrator's password. */
export interface BackupApi {
  /** Backs up one tenant now. Throws Problems `tenant-not-found` and `backup-busy`. */
  backUp(slug: string, onStep?: (step: BackupStep) => void): Promise<BackupRecord>
  /** Makes what is due and removes what is over; to be called again and again by one or several processes. Once `signal` aborts no further one is begun. */
  due(signal?: AbortSignal): Promise<Sweep>
  /** Available backups, newest first; of one tenant or of all. */
  list(slug?: string): Promise<BackupRecord[]>
}
