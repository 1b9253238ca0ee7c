import type { Contradiction, SettingsTree } from '../../kernel/module.ts'
import type { BackupSettings, PitrSettings } from './settings.ts'

const DAY = 86_400_000

/** How long (ms) what was erased may be readable in a repository that has one key for all tenants. */
const MOST_AFTER_ERASURE = 30 * DAY

/** Settings of backups that exclude each other. */
export function contradictionsIn(settings: BackupSettings, all: SettingsTree): Contradiction[] {
  const { mode, every, grace, keepFor, archiveFor, compression, level, rpo } = settings
  const found: Contradiction[] = []
  if (mode === 'dump' && keepFor < every)
    found.push({
      settings: ['backup.keepFor', 'backup.every'],
      why: 'a backup would be removed before the next one is made; keep it for longer than the interval.',
    })
  if (archiveFor !== undefined && archiveFor < keepFor)
    found.push({
      settings: ['backup.archiveFor', 'backup.keepFor'],
      why: 'what is archived is kept for longer than the rest.',
    })
  if (rpo !== undefined && every + grace > rpo)
    found.push({
      settings: ['backup.rpo', 'backup.every', 'backup.grace'],
      why: 'just before a backup is made, what is lost is older than interval and grace; make backups more often.',
    })
  if (compression === 'gzip' && level > 9)
    found.push({ settings: ['backup.compression', 'backup.level'], why: 'gzip has levels 1 to 9.' })
  return [...found, ...(settings.pitr ? inPitr(settings.pitr, all) : [])]
}

function inPitr({ s3, folder, keepFor, fullEvery }: PitrSettings, all: SettingsTree): Contradiction[] {
  const found: Contradiction[] = []
  if (keepFor + fullEvery > MOST_AFTER_ERASURE)
    found.push({
      settings: ['backup.pitr.keepFor', 'backup.pitr.fullEvery'],
      why: 'a pgBackRest repository has one key for all tenants, so what was erased stays readable in it for the window and the full backup before it; together they may be 30 days at most.',
    })
  if (s3 && folder)
    found.push({
      settings: ['backup.pitr.s3', 'backup.pitr.folder'],
      why: 'the repository lies in one of them.',
    })
  if (s3?.endpoint?.startsWith('http:'))
    found.push({ settings: ['backup.pitr.s3.endpoint'], why: 'pgBackRest speaks to a bucket by TLS alone.' })
  if (!String(all.stores?.host).startsWith('/'))
    found.push({
      settings: ['backup.pitr', 'stores.host'],
      why: 'pgBackRest works beside the database files, so the server must be on this machine: name its socket folder.',
    })
  return found
}
