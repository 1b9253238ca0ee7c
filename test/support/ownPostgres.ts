import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { removeDataDirectory } from '../../src/data/local/home.ts'
import { startPostgres } from '../../src/data/local/postgres.ts'
import type { PostgresSettings } from '../../src/data/local/postgresConfig.ts'

/**
 * A Postgres for this test file alone, for tests that leave the evidence log or an audit trail broken: both only grow, so
 * nothing mends them for the files that come after. Call it before `testPlatform`, and what it returns at the end.
 */
export async function ownPostgres(
  more: (cluster: string) => PostgresSettings = () => ({}),
): Promise<() => Promise<void>> {
  const dir = join(tmpdir(), `own-${process.pid}`)
  const fast = { fsync: false, full_page_writes: false, synchronous_commit: false }
  const settings = (cluster: string) => ({ ...fast, ...more(cluster) })
  const server = await startPostgres({ dir, settings, log: () => undefined })
  const shared = process.env.SURETY_TEST_POSTGRES_URL
  process.env.SURETY_TEST_POSTGRES_URL = server.url
  process.env.SURETY_TEST_OWN_POSTGRES = 'yes'
  return async () => {
    process.env.SURETY_TEST_POSTGRES_URL = shared
    delete process.env.SURETY_TEST_OWN_POSTGRES
    await server.stop()
    removeDataDirectory(dir)
    rmSync(dir, { recursive: true, force: true })
  }
}
