import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { BUILD_FILE } from '../../kernel/build.ts'
import { hashOf } from '../../modules/release/index.ts'
import { releaseOf } from '../platform.ts'

/** `surety release pack`: what the commit holds and nothing else, whole under its name or not there at all. */
export function pack(into: string): void {
  const source = releaseOf(process.env)
  const build = execFileSync('git', ['-C', source, 'rev-parse', '--short=12', 'HEAD'], {
    encoding: 'utf8',
  }).trim()
  mkdirSync(into, { recursive: true })
  const draft = mkdtempSync(join(resolve(into), '.packing-'))
  const archive = join(draft, 'archive.tar')
  const release = join(draft, build)
  mkdirSync(release)
  execFileSync('git', ['-C', source, 'archive', `--output=${archive}`, 'HEAD'])
  execFileSync('tar', ['-x', '-f', archive, '-C', release])
  const files = filesOf(release).map((file) => `${hashOf(join(release, file))}  ${file}`)
  writeFileSync(join(release, BUILD_FILE), `${[build, ...files].join('\n')}\n`)
  const target = join(resolve(into), build)
  rmSync(target, { recursive: true, force: true })
  renameSync(release, target)
  rmSync(draft, { recursive: true })
  console.log(target)
}

const filesOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort()
