import { lstatSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** Releases as folders beside each other, and the link that says which of them is active. Paths are real ones. */
export interface Layout {
  /** Holds the link and the folder `releases`; what outlives a release lies here too. */
  folder: string
  releases: string
  /** Leads to the active release. */
  current: string
}

/** The layout that `release` is part of; undefined for a checkout that stands alone. */
export function layoutOf(release: string): Layout | undefined {
  const releases = dirname(real(release) ?? release)
  const folder = dirname(releases)
  return basename(releases) === 'releases'
    ? { folder, releases, current: join(folder, 'current') }
    : undefined
}

/** The folder of the active release; undefined when there is none yet. */
export const activeRelease = ({ current }: Layout): string | undefined => real(current)

/** Since when the link leads where it leads; undefined when there is none yet. */
export const activeSince = ({ current }: Layout): Date | undefined =>
  lstatSync(current, { throwIfNoEntry: false })?.mtime

/** The folders of all releases, by name. What is hidden is on its way. */
export function listReleases({ releases }: Layout): string[] {
  return readdirSync(releases)
    .filter((name) => !name.startsWith('.') && statSync(join(releases, name)).isDirectory())
    .sort()
    .map((name) => join(releases, name))
}

function real(path: string): string | undefined {
  try {
    return realpathSync(path)
  } catch {
    return undefined
  }
}
