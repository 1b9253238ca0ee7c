import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { defineProblem } from '../../kernel/problems.ts'
import type { Account } from './account.ts'
import { findPostgres, type PostgresBinaries } from './binaries.ts'
import { lastLines, startServerProcess } from './serverProcess.ts'

export const startFailed = defineProblem({
  code: 'local-postgres',
  status: 500,
  title: 'The private Postgres does not start',
})

/**
 * Makes the database files unless they are there; returns the programs that fit them. They are made under another name
 * and renamed when complete, so that an interrupted start leaves nothing that looks whole.
 */
export async function prepareCluster(options: {
  home: string
  password: string
  account: Account | undefined
  log: (line: string) => void
}): Promise<PostgresBinaries> {
  const { home, password, account, log } = options
  const cluster = join(home, 'cluster')
  if (existsSync(cluster)) return binariesFor(cluster)
  const binaries = findPostgres() as PostgresBinaries
  for (const name of readdirSync(home))
    if (name.startsWith('new-')) rmSync(join(home, name), { recursive: true })
  const fresh = join(home, `new-${process.pid}-${Date.now()}`)
  mkdirSync(fresh, { mode: 0o700 })
  const passwordFile = join(home, 'new-password')
  writeFileSync(passwordFile, password, { mode: 0o600 })
  if (account) for (const path of [fresh, passwordFile]) chownSync(path, account.uid, account.gid)
  log(`Creating the database files in ${home}`)
  const program = await startServerProcess({
    command: join(binaries.folder, 'initdb'),
    args: [
      ...['-D', fresh, '-U', 'postgres', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`],
      ...['-E', 'UTF8', '--locale=C.UTF-8', '--data-checksums'],
    ],
    account,
    deathSignal: 'KILL',
    logFile: join(home, 'initdb.log'),
  })
  const how = await program.ended
  rmSync(passwordFile)
  if (how !== 'exit code 0') {
    throw startFailed(`initdb failed (${how}):\n${lastLines(join(home, 'initdb.log'), 5)}`)
  }
  renameSync(fresh, cluster)
  return binaries
}

function binariesFor(cluster: string): PostgresBinaries {
  const major = Number(readFileSync(join(cluster, 'PG_VERSION'), 'utf8'))
  const binaries = findPostgres(major)
  if (binaries) return binaries
  throw startFailed(
    `${cluster} was made by PostgreSQL ${major}, which is not installed. Install it, or move the folder away to begin anew.`,
  )
}
