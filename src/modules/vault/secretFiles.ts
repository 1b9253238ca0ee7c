import { readdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** A file that holds a secret and is not for its owner alone. */
export interface ExposedFile {
  file: string
  /** Octal, such as `0644`. */
  mode: string
  /** Belongs to another user than the one that this process runs as. */
  foreign: boolean
}

/** Names of settings whose files are public. */
const PUBLIC = /(CA|CERTIFICATE)_FILE(_NAME)?$/

/**
 * Every file of secrets of this deployment: those in `folder`, those that settings in the environment name, and `.env`
 * files in the working directory.
 */
export function secretFiles(
  folder: string,
  environment: Readonly<Record<string, string | undefined>>,
): string[] {
  const named = Object.entries(environment)
    .filter(([name]) => /^SURETY_.*_FILE(_NAME)?$/.test(name) && !PUBLIC.test(name))
    .map(([, file]) => resolve(file ?? ''))
  const env = readdirSync('.').filter((name) => /^\.env(\..+)?$/.test(name) && !name.endsWith('.example'))
  const own = readdirSync(folder)
    // Certificates and public keys are public, and drafts are gone in a moment.
    .filter((name) => !/\.(crt|pub)$/.test(name) && !/\.\d+\.[0-9a-f]{8}$/.test(name))
    .map((name) => join(folder, name))
  return [...new Set([...own, ...named, ...env.map((name) => resolve(name))])].filter(isFile).sort()
}

/** Those of `files` that somebody else may read or write, or that belong to somebody else. */
export function findExposed(files: readonly string[]): ExposedFile[] {
  return files.flatMap((file) => {
    const { mode, uid } = statSync(file)
    const foreign = uid !== process.getuid?.()
    return mode & 0o077 || foreign ? [{ file, mode: `0${(mode & 0o777).toString(8)}`, foreign }] : []
  })
}

const isFile = (file: string): boolean => statSync(file, { throwIfNoEntry: false })?.isFile() ?? false
