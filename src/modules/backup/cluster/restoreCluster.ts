import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { giveFolder } from '../../../data/local/home.ts'
import { recover } from '../../../data/local/recovery.ts'
import type { SqlAddress } from '../../../data/sql.ts'
import { newId } from '../../../kernel/ids.ts'
import { defineProblem } from '../../../kernel/problems.ts'
import { percentOf } from './percentOf.ts'
import { pgBackRest } from './pgBackRest.ts'
import type { Place } from './place.ts'

const notEmpty = defineProblem({ code: 'pitr-folder', status: 409, title: 'The folder is not empty' })
const noInstant = defineProblem({
  code: 'pitr-instant',
  status: 400,
  title: 'The cluster cannot be set to then',
})

/** Where to, and what to tell meanwhile. */
export interface ClusterRestore {
  /** The instant that the cluster is set to. */
  to: Date
  /** Empty, or not there yet; afterwards the database files. */
  into: string
  /** Whether the files are to stay: else they are only looked at. */
  keep: boolean
  onStep?: (step: string) => void
  signal?: AbortSignal | undefined
}

/** What pgBackRest writes for the recovery; once that is over it would only keep the log from being archived again. */
const FOR_RECOVERY = /^(archive_mode|restore_command|recovery_target\w*)\s*=/

/**
 * Restores the whole cluster into a folder as it was at an instant, and lets a Postgres of its own carry it there, which
 * archives nothing; `work` gets an address of it before it is ended. Throws Problems `pitr-instant`, `pitr-folder`,
 * `pitr-failed`, `local-recovery`. What it leaves after a failure can be deleted.
 */
export async function restoreCluster<T>(
  place: Place,
  { to, into, keep, onStep = () => undefined, signal }: ClusterRestore,
  work: (address: SqlAddress) => Promise<T>,
): Promise<T> {
  if (!(to.getTime() <= Date.now())) throw noInstant('Name an instant of the past.')
  if (existsSync(into) && readdirSync(into).length > 0)
    throw notEmpty(`${into} holds something: name an empty folder, or one that is not there yet.`)
  giveFolder(into, place.account)
  onStep('restoring the files')
  const args = [
    '--type=time',
    `--target=${to.toISOString().replace('T', ' ').replace('Z', '+00')}`,
    '--target-action=promote',
    // Else it would write into the archive of the cluster that it is a copy of.
    '--archive-mode=off',
    `--pg1-path=${into}`,
  ]
  await pgBackRest(place, 'restore', { args, signal, onLine: percentOf('restored', onStep) })
  onStep('replaying the log')
  const home = join(place.home, `recovery-${newId()}`)
  const recovery = { cluster: into, home, account: place.account, keep, signal }
  const result = await recover(recovery, async (address) => {
    onStep('recovered')
    return work(address)
  })
  forgetRecovery(join(into, 'postgresql.auto.conf'))
  return result
}

function forgetRecovery(file: string): void {
  const lines = readFileSync(file, 'utf8').split('\n')
  // Written in place: it stays its owner's.
  writeFileSync(file, lines.filter((line) => !FOR_RECOVERY.test(line)).join('\n'))
}
