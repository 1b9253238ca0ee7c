import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RunObjectStore } from './runObjectStore.ts'

/** A running S3 store that tests may fill. */
export interface TestObjectStore {
  endpoint: string
  region: string
  accessKeyId: string
  secretKeyFileName: string
  /** A bucket name that nobody has used yet. */
  bucket: string
}

/** How to reach the same store by TLS. */
export interface TestTls {
  endpoint: string
  caFileName: string
}

/** The run's S3 store, or why there is none, for `describe(…, { skip: reason })`. */
export function findObjectStore(): { store: TestObjectStore; tls: TestTls } | { reason: string } {
  const found = JSON.parse(
    process.env.SURETY_TEST_S3 ?? '{"reason":"no S3 store: npm test starts one"}',
  ) as RunObjectStore
  if ('reason' in found) return found
  const { endpoint, tls, key, secret } = found
  const secretKeyFileName = join(tmpdir(), `s3-${randomBytes(4).toString('hex')}`)
  writeFileSync(secretKeyFileName, secret, { mode: 0o600 })
  const bucket = `surety-${randomBytes(6).toString('hex')}`
  return { store: { endpoint, region: 'default', accessKeyId: key, secretKeyFileName, bucket }, tls }
}
