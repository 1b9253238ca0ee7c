import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** Writes a file (0600) whole or not at all, on the disk when this returns: the file, then its name in the folder. */
export function writeWhole(file: string, text: string): void {
  writeFileSync(`${file}.draft`, text, { mode: 0o600, flush: true })
  renameSync(`${file}.draft`, file)
  const folder = openSync(dirname(file), 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
