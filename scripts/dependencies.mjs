import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository's root directory. */
export const root = fileURLToPath(new URL('..', import.meta.url))

const stampFile = join(root, 'node_modules/.surety-stamp')

/** Whether node_modules is exactly what package-lock.json says, for this platform. */
export function dependenciesAreInstalled() {
  if (!existsSync(join(root, 'node_modules'))) return false
  if (readText(stampFile) === stamp()) return true
  if (!installedTreeMatches()) return false
  stampDependencies()
  return true
}

/** Records that node_modules fits the present package-lock.json. */
export function stampDependencies() {
  writeFileSync(stampFile, stamp())
}

function stamp() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
  return `${process.platform}-${process.arch} ${lock}\n`
}

/**
 * npm writes node_modules/.package-lock.json when it has finished, also after `npm install <name>`: a developer's own
 * install must not lead to another one.
 */
function installedTreeMatches() {
  const wanted = packages(join(root, 'package-lock.json'))
  const installed = packages(join(root, 'node_modules/.package-lock.json'))
  if (!wanted || !installed) return false
  const agrees = ([path, entry]) =>
    wanted[path]?.version === entry.version && wanted[path]?.integrity === entry.integrity
  const isThere = ([path, entry]) => path === '' || entry.optional || installed[path]
  return Object.entries(installed).every(agrees) && Object.entries(wanted).every(isThere)
}

function packages(file) {
  const text = readText(file)
  return text === undefined ? undefined : JSON.parse(text).packages
}

function readText(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
