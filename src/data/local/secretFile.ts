import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * The secret in `file`, made on first use: 256 random bits, base64url, readable by its owner alone. Written whole or
 * not at all.
 */
export function secretFile(file: string): string {
  const known = readSecret(file)
  if (known) return known
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const partial = `${file}.${process.pid}.partial`
  const secret = randomBytes(32).toString('base64url')
  writeFileSync(partial, secret, { mode: 0o600, flush: true })
  renameSync(partial, file)
  return secret
}

function readSecret(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim() || undefined
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
