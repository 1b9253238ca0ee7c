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

/** Names of settings that name files, as in the environment or inside a JSON value; and those whose files are public. */
const FILE_SETTING = /(_FILE(_NAMES?)?|FileNames?)$/
const PUBLIC = /(CA|CERTIFICATE)_FILE(_NAMES?)?$|^(ca|.*[cC]ertificate)FileNames?$/

/**
 * Every file of secrets of this deployment: those in `folder`, those that settings in the environment name, and `.env`
 * files in the working directory.
 */
export function secretFiles(
  folder: string,
  environment: Readonly<Record<string, string | undefined>>,
): string[] {
  const named = Object.entries(environment)
    .filter(([name]) => name.startsWith('SURETY_'))
    .flatMap(([name, value]) => namedFiles(name, jsonOrText(value ?? '')))
    .map((file) => resolve(file))
  const env = readdirSync('.').filter((name) => /^\.env(\..+)?$/.test(name) && !name.endsWith('.example'))
  const own = readdirSync(folder)
    // Certificates and public keys are public, and drafts are gone in a moment.
    .filter((name) => !/\.(crt|pub)$/.test(name) && !/\.\d+\.[0-9a-f]{8}$/.test(name))
    .map((name) => join(folder, name))
  return [...new Set([...own, ...named, ...env.map((name) => resolve(name))])].filter(isFile).sort()
}

function namedFiles(name: string, value: unknown): string[] {
  const isFile = FILE_SETTING.test(name) && !PUBLIC.test(name)
  if (typeof value === 'string') return isFile ? [value] : []
  if (typeof value !== 'object' || value === null) return []
  // `{"v1": "/run/keys/v1"}` under a name of files holds nothing but files.
  return Object.entries(value).flatMap(([key, inner]) =>
    namedFiles(isFile && typeof inner === 'string' ? name : key, inner),
  )
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
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
