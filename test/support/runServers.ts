import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, statfsSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureServers } from '../../src/data/local/binaries.ts'
import { removeDataDirectory } from '../../src/data/local/home.ts'
import { startPostgres } from '../../src/data/local/postgres.ts'
import { startRedis } from '../../src/data/local/redis.ts'
import { whyNoKernelWall } from '../../src/modules/media/kernelWall.ts'

/** What one lane of a test run has to itself. */
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

/** Making a database is mostly making files: in memory that takes a sixth of the time. */
const MEMORY = '/dev/shm'
const ENOUGH_MEMORY = 4 * 2 ** 30
/** Before the names of lanes' folders. */
const LANE = 'testing-surety-'

/** Whether the servers of a run are named by the environment: then there is one of each. */
export const serversAreGiven = (): boolean => Boolean(process.env.DATABASE_URL ?? process.env.REDIS_URL)

/** Removes what earlier, killed runs left, and installs the servers that are missing. */
export async function prepareRun(log: (line: string) => void): Promise<void> {
  removeStale(placeOfLanes())
  const { DATABASE_URL, REDIS_URL } = process.env
  await ensureServers(
    ['bwrap', ...(DATABASE_URL ? [] : (['postgres'] as const)), ...(REDIS_URL ? [] : (['redis'] as const))],
    log,
  )
}

/** Makes a folder for lane number `lane` and starts a private Postgres and Redis in it, except where the environment names running ones. */
export async function startRunServers(lane: number, log: (line: string) => void): Promise<RunServers> {
  const folder = mkdtempSync(placeOfRun())
  // Servers run as other users.
  chmodSync(folder, 0o711)
  const dir = join(folder, 'servers')
  const { DATABASE_URL, REDIS_URL } = process.env
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
      SURETY_TEST_SANDBOX: (await whyNoKernelWall()) ? 'runtime' : 'kernel',
      ...(postgres && redis && { SURETY_TEST_LANE: String(lane) }),
      TMPDIR: folder,
    },
    marks: [folder],
    async stop() {
      await Promise.all([postgres?.stop(), redis?.stop()])
    },
    removeFiles() {
      removeLane(folder)
    },
  }
}

/** How the folders of this run begin; what a killed run leaves there, the next one removes. */
export const placeOfRun = (): string => join(placeOfLanes(), `${LANE}${process.pid}-`)

/** In memory where there is plenty. */
function placeOfLanes(): string {
  const { bavail, bsize } = existsSync(MEMORY) ? statfsSync(MEMORY) : { bavail: 0, bsize: 0 }
  return bavail * bsize >= ENOUGH_MEMORY ? MEMORY : tmpdir()
}

function removeStale(place: string): void {
  for (const name of readdirSync(place)) {
    if (!name.startsWith(LANE) || isAlive(Number.parseInt(name.slice(LANE.length), 10))) continue
    const folder = join(place, name)
    if (statSync(folder).uid === process.getuid?.()) removeLane(folder)
  }
}

function removeLane(folder: string): void {
  removeDataDirectory(join(folder, 'servers'))
  rmSync(folder, { recursive: true, force: true })
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
