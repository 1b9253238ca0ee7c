import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureServers } from '../../src/data/local/binaries.ts'
import { removeDataDirectory } from '../../src/data/local/home.ts'
import { startPostgres } from '../../src/data/local/postgres.ts'
import { startRedis } from '../../src/data/local/redis.ts'

/** What one test run has to itself. */
export interface RunServers {
  /** For the tests' processes: where the servers are, and a temporary directory for everything tests write. */
  env: Record<string, string>
  /** Found in the arguments or environment of every process of this run. */
  marks: string[]
  /** Ends the servers. */
  stop(): Promise<void>
  /** Removes all files of the run; call when none of its processes is left. */
  removeFiles(): void
}

const TEMPORARY = 'surety-test-'

/**
 * Starts a private Postgres and Redis in `.data/test/<pid>`, except where DATABASE_URL or REDIS_URL name running ones,
 * and removes what earlier, killed runs left.
 */
export async function startRunServers(root: string, log: (line: string) => void): Promise<RunServers> {
  const runs = join(root, '.data/test')
  removeStale(runs)
  const dir = join(runs, String(process.pid))
  const temporary = mkdtempSync(join(tmpdir(), `${TEMPORARY}${process.pid}-`))
  // The servers that tests start run as other users.
  chmodSync(temporary, 0o711)
  const { DATABASE_URL, REDIS_URL } = process.env
  await ensureServers(
    [...(DATABASE_URL ? [] : (['postgres'] as const)), ...(REDIS_URL ? [] : (['redis'] as const))],
    log,
  )
  // A test database need not survive a power cut; tests of crashes start servers of their own.
  const settings = { fsync: false, full_page_writes: false, synchronous_commit: false }
  const postgres = DATABASE_URL ? undefined : await startPostgres({ dir, settings, log })
  const redis = REDIS_URL ? undefined : await startRedis({ dir, log })
  return {
    env: {
      SURETY_TEST_POSTGRES_URL: postgres?.url ?? (DATABASE_URL as string),
      ...(postgres ? { SURETY_TEST_POSTGRES_LOG: postgres.logFile } : {}),
      SURETY_TEST_REDIS: redis
        ? JSON.stringify({ path: redis.path, password: redis.password })
        : (REDIS_URL as string),
      SURETY_TEST_RUN: String(process.pid),
      TMPDIR: temporary,
    },
    marks: [temporary, dir],
    async stop() {
      await Promise.all([postgres?.stop(), redis?.stop()])
    },
    removeFiles() {
      removeDataDirectory(dir)
      rmSync(temporary, { recursive: true, force: true })
    },
  }
}

function removeStale(runs: string): void {
  for (const pid of list(runs)) if (!isAlive(Number(pid))) removeDataDirectory(join(runs, pid))
  for (const name of list(tmpdir())) {
    if (!name.startsWith(TEMPORARY) || isAlive(Number.parseInt(name.slice(TEMPORARY.length), 10))) continue
    const folder = join(tmpdir(), name)
    if (statSync(folder).uid === process.getuid?.()) rmSync(folder, { recursive: true, force: true })
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
