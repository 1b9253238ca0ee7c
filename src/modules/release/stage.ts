import { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BUILD_FILE } from '../../kernel/build.ts'
import type { Layout } from './layout.ts'

/**
 * Lays a release of a trial: its program and its build are its own, everything else is a link to the release that runs,
 * so that it is the same code and costs no copy. Returns its folder.
 */
export function stageRelease({ releases }: Layout, build: string, from: string): string {
  const folder = join(releases, build)
  const cli = join(folder, 'src/cli')
  mkdirSync(cli, { recursive: true })
  cpSync(join(from, 'src/cli/main.ts'), join(cli, 'main.ts'))
  for (const part of [
    'src/cli/commands.ts',
    'src/cli/process',
    'node_modules',
    'package.json',
    'package-lock.json',
  ])
    symlinkSync(join(from, part), join(folder, part))
  writeFileSync(join(folder, BUILD_FILE), `${build}\n`)
  return folder
}

/** Takes from a staged release what its program needs, as a copy that broke off would. */
export function breakRelease(folder: string): void {
  rmSync(join(folder, 'src/cli/commands.ts'))
}
