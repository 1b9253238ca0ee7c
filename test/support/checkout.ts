import { chmodSync, cpSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const root = join(import.meta.dirname, '../..')

/**
 * A copy of the named files and folders of this repository, with `files` beside them; node_modules is a link to the
 * real one.
 */
export function copyRepository(parts: readonly string[], files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'checkout-'))
  // Servers that run as other users keep their files below it.
  chmodSync(folder, 0o711)
  for (const part of parts) cpSync(join(root, part), join(folder, part), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  write(folder, files)
  return folder
}

/** A checkout with the launcher and packages of its own choice: no package has to come from the network. */
export function bareCheckout(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'checkout-'))
  cpSync(join(root, 'scripts'), join(folder, 'scripts'), { recursive: true })
  write(folder, files)
  return folder
}

function write(folder: string, files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
}
