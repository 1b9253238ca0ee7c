import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A running S3 store that tests may fill. */
export interface TestObjectStore {
  endpoint: string
  region: string
  accessKeyId: string
  secretKeyFileName: string
  /** A bucket name that nobody has used yet. */
  bucket: string
}

/** The store that SURETY_TEST_S3 names (`http://<key>:<secret>@<host>:<port>`); undefined without one. */
export function testObjectStore(): TestObjectStore | undefined {
  const named = process.env.SURETY_TEST_S3
  if (!named) return undefined
  const { origin, username, password } = new URL(named)
  const secretKeyFileName = join(tmpdir(), `s3-${randomBytes(4).toString('hex')}`)
  writeFileSync(secretKeyFileName, decodeURIComponent(password), { mode: 0o600 })
  const bucket = `surety-${randomBytes(6).toString('hex')}`
  return { endpoint: origin, region: 'default', accessKeyId: username, secretKeyFileName, bucket }
}

/** Why a test of the object store is skipped. */
export const NO_OBJECT_STORE = 'no S3 store: set SURETY_TEST_S3, for example to a local radosgw'
