import { statSync } from 'node:fs'
import { sep } from 'node:path'
import type { Confinement } from './confinement.ts'

/**
 * Node's options that let a process read its code and write its temporary files, and take from it other files, child
 * processes, threads, native addons, WASI and the inspector. They hold mistakes. Code that wants out they do not hold:
 * Node follows links, leaves the network open, and says so itself. `node:sqlite` opens files past them, so it is left out.
 */
export function underPermissions({ code, temporary }: Confinement): string[] {
  return [
    '--permission',
    ...[...code, temporary].map((path) => `--allow-fs-read=${whole(path)}`),
    `--allow-fs-write=${whole(temporary)}`,
    '--no-experimental-sqlite',
  ]
}

/** A folder with all that is in it ends with a separator. */
function whole(path: string): string {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
  return isFolder && !path.endsWith(sep) ? path + sep : path
}
