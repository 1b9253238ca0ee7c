import { closeSync, fsyncSync, openSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { Layout } from './layout.ts'

/**
 * Makes `release` the active one: the link is replaced by one rename, so that it leads to the old or to the new release
 * whenever this is killed, and is on the disk when this returns.
 */
export function pointTo({ folder, current }: Layout, release: string): void {
  const draft = join(folder, `.current.${process.pid}`)
  rmSync(draft, { force: true })
  symlinkSync(relative(folder, release), draft)
  renameSync(draft, current)
  const directory = openSync(folder, 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}
