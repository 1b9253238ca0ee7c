import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  realpathSync,
  rmSync,
  type Stats,
  statSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { defineProblem } from '../../kernel/problems.ts'
import type { Account } from './account.ts'

const closedToServer = defineProblem({
  code: 'local-server-folder',
  status: 500,
  title: 'The data directory is closed to the server',
})

/** Where a server's files go when its user cannot pass the folders above the data directory. */
const ELSEWHERE = '/var/lib/surety'
/** A UNIX socket's path has at most 107 bytes (unix(7): sun_path). */
const LONGEST_SOCKET_PATH = 107

/**
 * Makes the folder `<dir>/<name>`, and `dir` passable, for a server that runs as `account` and returns its real path. Root often works in
 * /root (0700), which the user postgres cannot pass: then the folder is made under /var/lib/surety, `<dir>/<name>` is a
 * symbolic link to it, and `log` says so.
 */
export function serverHome(options: {
  dir: string
  name: string
  account: Account | undefined
  log: (line: string) => void
}): string {
  const { dir, name, account, log } = options
  mkdirSync(dir, { recursive: true })
  if (account) letPass(dir)
  const home = join(realpathSync(dir), name)
  if (!present(home)) {
    if (account && closedFolder(dirname(home), account)) symlinkSync(newHomeElsewhere(), home)
    else mkdirSync(home, { mode: 0o700 })
  }
  const real = present(home)?.isSymbolicLink() ? readlinkSync(home) : home
  mkdirSync(real, { recursive: true, mode: 0o700 })
  if (!account) return real
  chownSync(real, account.uid, account.gid)
  const closed = closedFolder(dirname(real), account)
  if (closed)
    throw closedToServer(
      `${real} is below ${closed}, which the user ${account.name} cannot pass: chmod o+x it.`,
    )
  if (real !== home)
    log(`The user ${account.name} cannot pass the folders above ${home}: its files are in ${real}`)
  return real
}

/**
 * Makes the folder `path` (0700) for a program that runs as `account`. Throws a Problem that says what to do when that
 * user cannot pass the folders above it.
 */
export function giveFolder(path: string, account: Account | undefined): void {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  if (!account) return
  chownSync(path, account.uid, account.gid)
  const closed = closedFolder(dirname(realpathSync(path)), account)
  if (closed)
    throw closedToServer(
      `${path} is below ${closed}, which the user ${account.name} cannot pass: chmod o+x it, or choose another folder.`,
    )
}

/** Removes a data directory together with what its servers keep elsewhere. */
export function removeDataDirectory(dir: string): void {
  for (const name of ['postgres', 'redis', 'egress', 'pgbackrest']) {
    const home = join(dir, name)
    const elsewhere = present(home)?.isSymbolicLink() ? readlinkSync(home) : undefined
    removeShortSocketFolder(join(elsewhere ?? home, 'run'))
    if (elsewhere?.startsWith(`${ELSEWHERE}/`)) rmSync(elsewhere, { recursive: true, force: true })
  }
  rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 })
}

/**
 * The folder for a server's socket: `<home>/run`, or, when `<home>/run/<socket>` is too long for a socket's path, a
 * short folder under the system's temporary directory that `<home>/run` links to.
 */
export function socketFolder(home: string, socket: string, account: Account | undefined): string {
  const run = join(home, 'run')
  removeShortSocketFolder(run)
  const fits = Buffer.byteLength(join(run, socket)) <= LONGEST_SOCKET_PATH
  const folder = fits ? run : mkdtempSync(join(tmpdir(), 'surety-run-'))
  if (fits) mkdirSync(run, { recursive: true, mode: 0o700 })
  else symlinkSync(folder, run)
  if (account) chownSync(folder, account.uid, account.gid)
  return folder
}

/** Removes the short folder that `run` links to, and the link; leaves a real folder alone. */
export function removeShortSocketFolder(run: string): void {
  if (!present(run)?.isSymbolicLink()) return
  const target = readlinkSync(run)
  if (target.startsWith(join(tmpdir(), 'surety-run-'))) rmSync(target, { recursive: true, force: true })
  rmSync(run)
}

/** Lets others pass the data directory itself: what is in it has closed permissions of its own. */
function letPass(dir: string): void {
  const { mode, uid } = statSync(dir)
  if (uid === process.getuid?.()) chmodSync(dir, (mode & 0o7777) | 0o011)
}

/** The nearest folder at or above `dir` that `account` cannot pass (needs the x bit), or undefined. */
function closedFolder(dir: string, account: Account): string | undefined {
  for (let folder = dir; ; folder = dirname(folder)) {
    if (!canPass(statSync(folder), account)) return folder
    if (folder === dirname(folder)) return undefined
  }
}

function canPass({ mode, uid, gid }: Stats, account: Account): boolean {
  if (uid === account.uid) return (mode & 0o100) !== 0
  return (mode & (gid === account.gid ? 0o010 : 0o001)) !== 0
}

function newHomeElsewhere(): string {
  mkdirSync(ELSEWHERE, { recursive: true, mode: 0o755 })
  return mkdtempSync(`${ELSEWHERE}/`)
}

function present(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false })
}
