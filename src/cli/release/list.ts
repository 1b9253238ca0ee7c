import { basename } from 'node:path'
import pc from 'picocolors'
import { buildOf } from '../../kernel/build.ts'
import { activeRelease, listReleases, readActivations, release } from '../../modules/release/index.ts'
import { releaseOf } from '../platform.ts'
import { withPlatform } from '../tenant.ts'
import { layoutBeside } from './activate.ts'

/** `surety release list`. */
export async function list(): Promise<void> {
  const layout = layoutBeside(releaseOf(process.env))
  const activations = readActivations(layout)
  const active = activeRelease(layout)
  const running = await withPlatform((platform) => platform.api(release).running()).catch(() => [])
  for (const folder of listReleases(layout)) {
    const build = buildOf(folder)
    const last = activations.findLast((one) => one.release === basename(folder))
    const kinds = running.filter((one) => one.build === build).map(({ kind }) => kind)
    const line = [
      folder === active ? '●' : ' ',
      basename(folder).padEnd(24),
      build.padEnd(16),
      (last ? `activated ${last.at.slice(0, 16)}Z` : '').padEnd(28),
      [...new Set(kinds)].sort().join(', '),
    ].join(' ')
    console.log(folder === active ? pc.bold(line) : line)
  }
}
