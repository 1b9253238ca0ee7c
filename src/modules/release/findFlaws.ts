import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BUILD_FILE, buildOf } from '../../kernel/build.ts'

/** Without these no process of it starts. */
const NEEDED = ['package.json', 'package-lock.json', 'src/cli/main.ts', 'node_modules']

/** What is wrong with a release as it lies on the disk, in words: files that are missing or not as they were packed. */
export function findFlaws(release: string): string[] {
  if (buildOf(release) === 'unversioned') return [`${BUILD_FILE}: says no build`]
  const missing = NEEDED.filter((path) => !existsSync(join(release, path))).map((path) => `${path}: missing`)
  return [...missing, ...changedFiles(release)]
}

/** Files that are not as `release pack` wrote them down; none where nothing was written down. */
export function changedFiles(release: string): string[] {
  return packedFiles(release).flatMap(({ path, sha256 }) => {
    const file = join(release, path)
    if (!existsSync(file)) return [`${path}: missing`]
    return hashOf(file) === sha256 ? [] : [`${path}: not as it was packed`]
  })
}

function packedFiles(release: string): { path: string; sha256: string }[] {
  const list = join(release, BUILD_FILE)
  if (!existsSync(list)) return []
  return [...readFileSync(list, 'utf8').matchAll(/^([0-9a-f]{64}) {2}(.+)$/gm)].map(
    ([, sha256 = '', path = '']) => ({ path, sha256 }),
  )
}

export const hashOf = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex')
