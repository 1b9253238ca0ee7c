import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { canInstallPackages, installPackages } from '../../src/data/local/apt.ts'

/** Debian packages of the programs that single test files drive or are checked with, by what such a file says. */
const NEEDED: readonly { by: RegExp; packages: readonly string[] }[] = [
  { by: /\/(chromium|office)\.ts'/, packages: ['chromium'] },
  { by: /\/objectStore\.ts'/, packages: ['radosgw', 'ceph-mon', 'ceph-osd', 'ceph-common'] },
  { by: /\/pgBackRest\.ts'/, packages: ['pgbackrest'] },
  { by: /golang-golang-x-mod-dev/, packages: ['golang-go', 'golang-golang-x-mod-dev'] },
  { by: /nft list/, packages: ['nftables', 'iproute2'] },
  { by: /'git'/, packages: ['git'] },
  { by: /'strace'/, packages: ['strace'] },
]

/** Whether all that a file needs is there, or never will be. */
export interface TestPackages {
  isReadyFor(file: string): boolean
  /** Resolves when nothing is being installed any more. */
  done: Promise<void>
}

/**
 * Installs what `files` need while tests that do not need it run already; root on Debian alone can. Whatever is missing
 * then skips the tests that need it, each of which says so.
 */
export function installTestPackages(files: readonly string[], log: (line: string) => void): TestPackages {
  const needs = new Map(files.map((file) => [file, packagesOf(file)]))
  const absent = canInstallPackages() ? [...new Set([...needs.values()].flat())].filter(isAbsent) : []
  const late = new Set(absent)
  const installed = late.size > 0 ? installPackages(absent, log) : Promise.resolve()
  return {
    isReadyFor: (file) => !needs.get(file)?.some((name) => late.has(name)),
    done: installed.catch((error: Error) => log(error.message)).then(() => late.clear()),
  }
}

function packagesOf(file: string): string[] {
  const source = readFileSync(file, 'utf8')
  return NEEDED.filter(({ by }) => by.test(source)).flatMap(({ packages }) => packages)
}

function isAbsent(name: string): boolean {
  try {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg's own way to name what it prints.
    const state = execFileSync('dpkg-query', ['-W', '-f', '${db:Status-Status}', name], {
      encoding: 'utf8',
      stdio: 'pipe',
    })
    return state !== 'installed'
  } catch {
    return true
  }
}
