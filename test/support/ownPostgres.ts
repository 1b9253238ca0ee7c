import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { removeDataDirectory } from '../../src/data/local/home.ts'
import { startPostgres } from '../../src/data/local/postgres.ts'

/**
 * A Postgres for this test file alone, for tests that leave the evidence log or an audit trail broken: both only grow, so
 * nothing mends them for the files that come after. Call it before `testPlatform`, and what it returns at the end.
 */
export async function ownPostgres(): Promise<() => Promise<void>> {
  const dir = join(tmpdir(), `own-${process.pid}`)
  const settings = { fsync: false, full_page_writes: false, synchronous_commit: false }
  const server = await startPostgres({ dir, settings, log: () => undefined })
  const shared = process.env.SURETY_TEST_POSTGRES_URL
  process.env.SURETY_TEST_POSTGRES_URL = server.url
  return async () => {
    process.env.SURETY_TEST_POSTGRES_URL = shared
    await server.stop()
    removeDataDirectory(dir)
    rmSync(dir, { recursive: true, force: true })
  }
}
