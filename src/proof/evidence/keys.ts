import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { keepSecret } from '../../data/secrets.ts'
import { type Signer, signerFromSeed, verifierKey } from './checkpoint.ts'

/** The keys of the log as far as this process may have them. */
export interface LogKeys {
  /** Only where evidence is appended. */
  signer: Signer | undefined
  /** The public key in C2SP form; undefined until a process that signs has started once. */
  verifier(): string | undefined
}

/**
 * Opens the log's keys in the folder of secrets. A process that signs makes them when they are missing and leaves the
 * public one in a file of its own, so that processes which only show and check never read the private one.
 */
export function openLogKeys(secrets: string, origin: string, signs: boolean): LogKeys {
  const file = join(secrets, 'log-key.pub')
  const signer = signs
    ? signerFromSeed(origin, Buffer.from(keepSecret(secrets, 'log-key'), 'hex'))
    : undefined
  if (signer) publish(file, verifierKey(signer))
  let known: string | undefined
  return {
    signer,
    verifier() {
      if (known === undefined && existsSync(file)) known = readFileSync(file, 'utf8').trim()
      return known
    },
  }
}

function publish(file: string, key: string): void {
  if (existsSync(file) && readFileSync(file, 'utf8').trim() === key) return
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, `${key}\n`, { flush: true })
  renameSync(draft, file)
}
