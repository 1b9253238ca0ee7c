import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Member } from '../../src/modules/release/index.ts'

const urlOf = (file: string): string => JSON.stringify(new URL(`../../src/${file}`, import.meta.url).href)

/** A process as small as it can be: it does `what`, is ready, and writes down when it ends. */
const program = (what: string): string => `
  import { appendFileSync } from 'node:fs'
  import { basename } from 'node:path'
  import { sayReady } from ${urlOf('kernel/readiness.ts')}
  import { dieWithParent } from ${urlOf('cli/process/dieWithParent.ts')}
  const [, , name] = process.argv
  ${what}
  const build = basename(import.meta.dirname)
  dieWithParent(async () => appendFileSync(import.meta.dirname + '/../../ended', name + ' of ' + build + '\\n'))
  setInterval(() => {}, 1e6)
  sayReady(build)`

/** Lays a release whose processes do next to nothing. */
export function layRelease({ releases }: { releases: string }, name: string, what = ''): string {
  const release = join(releases, name)
  mkdirSync(release, { recursive: true })
  writeFileSync(join(release, 'BUILD'), `${name}\n`)
  writeFileSync(join(release, 'main.ts'), program(what))
  return release
}

/** The processes of such a release. */
export const members: Member[] = ['egress', 'serve', 'work'].map((name) => ({
  name,
  args: (folder) => [join(folder, 'main.ts'), name],
  env: process.env,
  descriptors: [],
  output: 'ignore',
  needed: name === 'egress',
}))
