import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Written at packing: the first line names the build, each further one a file of it, as `sha256sum` prints them. */
export const BUILD_FILE = 'BUILD'

/** It is public, and part of file names. */
export const BUILD_ID = /^[\w][\w.+-]{0,63}$/

/** The build that lies in `folder`: what its file BUILD says, else the commit that is checked out, else `unversioned`. */
export function buildOf(folder: string): string {
  return packedBuild(folder) ?? checkedOut(folder) ?? 'unversioned'
}

function packedBuild(folder: string): string | undefined {
  try {
    const [id = ''] = readFileSync(join(folder, BUILD_FILE), 'utf8').split('\n', 1)
    return BUILD_ID.test(id) ? id : undefined
  } catch {
    return undefined
  }
}

function checkedOut(folder: string): string | undefined {
  try {
    const [below, commit] = execFileSync(
      'git',
      ['-C', folder, 'rev-parse', '--show-prefix', '--short=12', 'HEAD'],
      {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    ).split('\n')
    // A folder somewhere below another checkout is not that checkout.
    return below === '' ? commit : undefined
  } catch {
    return undefined
  }
}
