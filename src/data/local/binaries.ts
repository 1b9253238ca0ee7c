import { execFileSync } from 'node:child_process'
import { accessSync, constants, existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { defineProblem } from '../../kernel/problems.ts'
import { isRoot, serverAccount } from './account.ts'
import { canInstallPackages, installPackages } from './apt.ts'

/** A Postgres installation: the folder with `postgres` and `initdb`, and its major version. */
export interface PostgresBinaries {
  folder: string
  major: number
}

const OLDEST_POSTGRES = 15
const POSTGRES_FOLDERS = [
  '/usr/lib/postgresql/*/bin',
  '/usr/pgsql-*/bin',
  '/opt/homebrew/opt/postgresql@*/bin',
  '/usr/local/opt/postgresql@*/bin',
  '/Applications/Postgres.app/Contents/Versions/*/bin',
]
const PROGRAM_FOLDERS = ['/usr/bin', '/usr/local/bin', '/opt/homebrew/bin']
const CLUSTER_SETTINGS = '/etc/postgresql-common/createcluster.conf'
const PACKAGED_CLUSTER_SETTINGS = '/usr/share/postgresql-common/createcluster.conf'
const NO_MAIN_CLUSTER = '\n# Only while surety installs the package:\ncreate_main_cluster = false\n'

const missing = defineProblem({
  code: 'local-server-missing',
  status: 500,
  title: 'A server program is missing',
})

/** The installed Postgres of the highest version (>= 15), or of version `major` when a data directory needs that one. */
export function findPostgres(major?: number): PostgresBinaries | undefined {
  const folders = [...pathFolders(), ...POSTGRES_FOLDERS.flatMap((pattern) => globSync(pattern))]
  const found = folders
    .filter((folder) => isProgram(join(folder, 'postgres')) && isProgram(join(folder, 'initdb')))
    .map((folder) => ({ folder, major: majorVersion(join(folder, 'postgres')) }))
    .filter((one) => (major === undefined ? one.major >= OLDEST_POSTGRES : one.major === major))
  return found.sort((a, b) => b.major - a.major)[0]
}

/** A program of Postgres, such as pg_dump, of version `major`: where the server is, or its client package alone. */
export function findPostgresProgram(name: string, major: number): string | undefined {
  // Debian's programs in the PATH are wrappers that choose a version by themselves.
  const folders = [...POSTGRES_FOLDERS.flatMap((pattern) => globSync(pattern)), ...pathFolders()]
  return folders
    .map((folder) => join(folder, name))
    .filter(isProgram)
    .find((path) => majorVersion(path) === major)
}

/**
 * The installed redis-server. Debian keeps the same program as `redis-check-rdb` in redis-tools, a package without a
 * service; it is a server when called by a name that is not its own.
 */
export function findRedis(): string | undefined {
  const debians = () => (existsSync('/etc/debian_version') ? findProgram('redis-check-rdb') : undefined)
  return findProgram('redis-server') ?? debians()
}

/** The installed pgbackrest. */
export const findPgBackRest = (): string | undefined => findProgram('pgbackrest')

function findProgram(name: string): string | undefined {
  return [...pathFolders(), ...PROGRAM_FOLDERS].map((folder) => join(folder, name)).find(isProgram)
}

/** The installed bubblewrap, which confines processes on Linux. */
export function findBwrap(): string | undefined {
  return [...PROGRAM_FOLDERS, ...pathFolders()].map((folder) => join(folder, 'bwrap')).find(isProgram)
}

/** A program without which nothing starts. */
type Needed = 'postgres' | 'redis' | 'pgbackrest'
/** A program that Debian's package of the same or a similar name brings. */
export type LocalProgram = Needed | 'bwrap'

const PACKAGES: Record<LocalProgram, string> = {
  postgres: 'postgresql',
  redis: 'redis-tools',
  pgbackrest: 'pgbackrest',
  bwrap: 'bubblewrap',
}

/**
 * Makes sure that the named programs are on this machine, installing them when root on Debian, in such a way that no
 * service of the system's own is started; bubblewrap on Linux, where it can be had. Throws one Problem that says what to
 * install or which variable to set.
 */
export async function ensureServers(
  wanted: readonly LocalProgram[],
  log: (line: string) => void,
): Promise<void> {
  const absent = wanted.filter((name) => !isPresent(name))
  const needed = absent.filter((name) => name !== 'bwrap')
  if (!canInstallPackages() && needed.length > 0) throw missing(advice(needed))
  if (!canInstallPackages() || absent.length === 0) return
  const packages = absent.map((name) => PACKAGES[name])
  const restore = absent.includes('postgres') ? withoutMainCluster() : () => {}
  try {
    await installPackages(packages, log)
  } catch (error) {
    if (needed.length > 0) throw error
    log((error as Error).message)
  } finally {
    restore()
  }
  const still = needed.filter((name) => !isPresent(name))
  if (still.length > 0) throw missing(advice(still))
}

function advice(absent: readonly Needed[]): string {
  const lines: Record<Needed, string> = {
    postgres: `PostgreSQL ${OLDEST_POSTGRES} or newer was not found: install it (Debian: apt install postgresql; macOS: brew install postgresql@17), or set DATABASE_URL to a running one.`,
    redis:
      'redis-server was not found: install it (Debian: apt install redis-server; macOS: brew install redis), or set REDIS_URL to a running one.',
    pgbackrest:
      'pgbackrest was not found: install it (Debian: apt install pgbackrest; macOS: brew install pgbackrest), or take backup.pitr out of the settings.',
  }
  return absent.map((name) => lines[name]).join('\n')
}

/** Debian's package would make and start a cluster of its own; afterwards the machine's own choice stands again. */
function withoutMainCluster(): () => void {
  const before = (readIfThere(CLUSTER_SETTINGS) ?? '').replaceAll(NO_MAIN_CLUSTER, '')
  mkdirSync(dirname(CLUSTER_SETTINGS), { recursive: true })
  writeFileSync(CLUSTER_SETTINGS, before + NO_MAIN_CLUSTER)
  return () => writeFileSync(CLUSTER_SETTINGS, before || (readIfThere(PACKAGED_CLUSTER_SETTINGS) ?? ''))
}

/** Root needs the user that Postgres runs as too: its package makes the user last. */
function isPresent(name: LocalProgram): boolean {
  if (name === 'bwrap') return process.platform !== 'linux' || findBwrap() !== undefined
  if (name === 'redis') return findRedis() !== undefined
  if (name === 'pgbackrest') return findPgBackRest() !== undefined
  return findPostgres() !== undefined && (!isRoot() || serverAccount(['postgres']) !== undefined)
}

function readIfThere(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined
}

/** Folders that programs are looked for in. */
export const pathFolders = (): string[] =>
  (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')

/** Whether this process may run it. */
export function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function majorVersion(postgres: string): number {
  const text = execFileSync(postgres, ['--version'], { encoding: 'utf8' })
  return Number(/\) (\d+)/.exec(text)?.[1] ?? 0)
}
