import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync } from 'node:fs'
import type { Radosgw } from './radosgw.ts'

/** What the processes of test files are told of the run's S3 store. */
export type RunObjectStore =
  | { endpoint: string; tls: { endpoint: string; caFileName: string }; key: string; secret: string }
  | { reason: string }

/** Test files that need the store import this. */
const NEEDED_BY = 'support/objectStore.ts'

/** The run's one S3 store: it starts when the first file needs it. */
export function openRunObjectStore(place: string): {
  /** The environment of a test file, once the store answers. */
  envFor(file: string): Promise<Record<string, string>>
  stop(): Promise<void>
} {
  let starting: Promise<{ server?: Radosgw; told: RunObjectStore }> | undefined
  return {
    async envFor(file): Promise<Record<string, string>> {
      if (!readFileSync(file, 'utf8').includes(NEEDED_BY)) return {}
      starting ??= start(place)
      return { SURETY_TEST_S3: JSON.stringify((await starting).told) }
    },
    async stop() {
      await (await starting)?.server?.stop()
    },
  }
}

async function start(place: string): Promise<{ server?: Radosgw; told: RunObjectStore }> {
  const { missingRadosgw, startRadosgw } = await import('./radosgw.ts')
  const reason = missingRadosgw()
  if (reason) return { told: { reason } }
  const user = { key: 'TESTKEY', secret: randomBytes(12).toString('hex') }
  const server = await startRadosgw(mkdtempSync(place), user).catch((error: Error) => error)
  if (server instanceof Error) return { told: { reason: `no S3 store: ${server.message}` } }
  const tls = { endpoint: server.tlsEndpoint, caFileName: server.caFileName }
  return { server, told: { endpoint: server.endpoint, tls, ...user } }
}
