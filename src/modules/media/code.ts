import { existsSync, realpathSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { badPlace } from './problems.ts'

/**
 * What a worker has to read to run: the folder that it lies in, and of the folders above it their node_modules and
 * package.json. Throws a Problem `sandbox-worker-place` when anything in there is one of the `secrets`: folders that no
 * worker may see.
 */
export function codeOf(worker: URL, secrets: readonly string[]): string[] {
  const folder = dirname(realpathSync(fileURLToPath(worker)))
  const code = [folder]
  for (let above = dirname(folder), below = folder; above !== below; below = above, above = dirname(above))
    code.push(...['node_modules', 'package.json'].map((name) => join(above, name)).filter(existsSync))
  // Node looks a package up by its real path, which a link can lead to.
  const all = [...new Set(code.flatMap((path) => [path, realpathSync(path)]))]
  for (const secret of secrets.map((path) => (existsSync(path) ? realpathSync(path) : path))) {
    const open = all.find((path) => `${secret}${sep}`.startsWith(`${path}${sep}`))
    if (open)
      throw badPlace(
        `${fileURLToPath(worker)} sees ${open}, and ${secret} with it: give workers a folder of their own.`,
      )
  }
  return all
}
