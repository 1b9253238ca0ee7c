import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { buildOf } from './build.ts'

test('a packed release is the build that it was packed as', (t) => {
  const folder = scratch(t)
  writeFileSync(join(folder, 'BUILD'), `4d839159b89d\n${'0'.repeat(64)}  package.json\n`)
  assert.equal(buildOf(folder), '4d839159b89d')
})

test('a checkout is its commit, and no folder below it is', (t) => {
  const folder = scratch(t)
  const git = (...args: string[]) => execFileSync('git', ['-C', folder, ...args], { encoding: 'utf8' }).trim()
  git('init', '-q')
  git('-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '-q', '--allow-empty', '-m', 'one')
  assert.equal(buildOf(folder), git('rev-parse', '--short=12', 'HEAD'))
  mkdirSync(join(folder, 'releases'))
  assert.equal(buildOf(join(folder, 'releases')), 'unversioned')
})

test('what is no build is not shown as one', (t) => {
  const folder = scratch(t)
  for (const text of ['', '<script>', 'two words', 'x'.repeat(65)]) {
    writeFileSync(join(folder, 'BUILD'), text)
    assert.equal(buildOf(folder), 'unversioned')
  }
})

function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'build-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}
