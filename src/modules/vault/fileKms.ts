import { createHmac } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { keepSecret, readSecret } from '../../data/secrets.ts'
import { decrypt, encrypt } from './cipher.ts'
import { formatSealed, parseSealed } from './format.ts'
import type { Kms } from './kms.ts'
import { masterKeyInvalid, masterKeyMissing } from './problems.ts'

/** Master keys by version (`v1` to `v16`): the name of the file of each. */
export type MasterKeyFiles = Readonly<Partial<Record<string, string>>>

/**
 * Master keys in files: 64 hex characters, mode 0600 or stricter. Without named files they lie in `folder` as `vault-v1`,
 * `vault-v2` … and are made there when wanted.
 */
export function fileKms(folder: string, named: MasterKeyFiles): Kms {
  const ownFiles = Object.keys(named).length === 0
  const keys = new Map<number, Buffer>()
  const fileOf = (version: number) => (ownFiles ? join(folder, `vault-v${version}`) : named[`v${version}`])

  function find(version: number): Buffer | undefined {
    const file = fileOf(version)
    const known = keys.get(version)
    if (known || !file || !existsSync(file)) return known
    const key = parseKey(readSecret(file), file)
    keys.set(version, key)
    return key
  }

  function get(version: number): Buffer {
    const key = find(version)
    if (!key)
      throw masterKeyMissing(
        `Master key v${version} is not here; put it back${ownFiles ? ` as ${fileOf(version)}` : ' and name its file in vault.masterKeyFileNames'}.`,
      )
    return key
  }

  return {
    kind: 'file',
    async provide(version) {
      if (ownFiles) keepSecret(folder, `vault-v${version}`)
      return fingerprint(get(version))
    },
    async holds(version, expected) {
      const key = find(version)
      return key !== undefined && fingerprint(key) === expected
    },
    async wrap(version, plain, context) {
      return formatSealed({ version, ...encrypt(get(version), context, plain, false) })
    },
    async unwrap(wrapped, context) {
      const parts = parseSealed(wrapped)
      return parts && decrypt(get(parts.version), context, parts)
    },
  }
}

function parseKey(text: string, file: string): Buffer {
  if (!/^[0-9a-f]{64}$/i.test(text))
    throw masterKeyInvalid(`${file} must hold 64 hexadecimal characters (256 bits).`)
  return Buffer.from(text, 'hex')
}

/** Tells keys apart and says nothing about them. */
function fingerprint(key: Buffer): string {
  return createHmac('sha256', key).update('surety master key').digest('hex').slice(0, 16)
}
