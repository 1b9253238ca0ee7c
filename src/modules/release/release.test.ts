import assert from 'node:assert/strict'
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { killHard, startHolder } from '../../../test/support/holder.ts'
import { systemClock } from '../../kernel/clock.ts'
import { readActivations, recordActivation, releaseBefore } from './activations.ts'
import { findFlaws, hashOf } from './findFlaws.ts'
import { activeRelease, type Layout, layoutOf, listReleases } from './layout.ts'
import { pointTo } from './pointTo.ts'

describe('the link', () => {
  it('leads to a whole release whenever the one who changes it is killed', async (t) => {
    const { layout, lay } = scratch(t)
    const [a, b] = [lay('a'), lay('b')]
    pointTo(layout, a)
    const source = `
      import { pointTo } from ${JSON.stringify(new URL('./pointTo.ts', import.meta.url).href)}
      const [layout, a, b] = JSON.parse(process.argv[1])
      console.log('begins')
      for (;;) for (const release of [b, a]) pointTo(layout, release)`
    const args = [JSON.stringify([layout, a, b])]
    const swappers = await Promise.all([1, 2, 3, 4].map(() => startHolder(source, args)))
    for (const { process: swapper } of swappers) {
      for (let times = 0; times < 500; times++) assert.match(readlinkSync(layout.current), /^releases\/[ab]$/)
      await killHard(swapper)
      assert.ok([a, b].includes(activeRelease(layout) ?? 'none'))
    }
  })

  it('is not taken for a release, and neither is what is on its way', (t) => {
    const { layout, lay } = scratch(t)
    pointTo(layout, lay('a'))
    mkdirSync(join(layout.releases, '.packing-x'))
    assert.deepEqual(
      listReleases(layout).map((folder) => basename(folder)),
      ['a'],
    )
    assert.equal(layoutOf(layout.folder), undefined)
  })
})

describe('the release before', () => {
  it('is the last that ran, is still there and is not the active one', (t) => {
    const { layout, lay, ran } = scratch(t)
    const [a, b, c] = [lay('a'), lay('b'), lay('c')]
    pointTo(layout, a)
    assert.equal(releaseBefore(layout), undefined)
    for (const release of [a, b, c]) ran(release)
    pointTo(layout, c)
    assert.equal(releaseBefore(layout), b)
    rmSync(b, { recursive: true })
    assert.equal(releaseBefore(layout), a)
  })

  it('is known though a crash tore the last line', (t) => {
    const { layout, lay, ran } = scratch(t)
    const [a, b] = [lay('a'), lay('b')]
    ran(a)
    appendFileSync(join(layout.folder, 'activations.jsonl'), '\n{"at":"2026-0')
    ran(b)
    pointTo(layout, b)
    assert.deepEqual(
      readActivations(layout).map(({ release }) => release),
      ['a', 'b'],
    )
    assert.equal(releaseBefore(layout), a)
  })
})

describe('flaws of a release', () => {
  it('are files that are missing or not as they were packed', (t) => {
    const { lay } = scratch(t)
    const release = lay('a')
    writeFileSync(join(release, 'LICENSE'), 'free')
    writeFileSync(join(release, 'BUILD'), `a\n${hashOf(join(release, 'LICENSE'))}  LICENSE\n`)
    assert.deepEqual(findFlaws(release), [])
    appendFileSync(join(release, 'LICENSE'), '!')
    rmSync(join(release, 'package-lock.json'))
    assert.deepEqual(findFlaws(release), ['package-lock.json: missing', 'LICENSE: not as it was packed'])
  })

  it('are not looked for where nothing says which build it is', (t) => {
    const { lay } = scratch(t)
    const release = lay('a')
    rmSync(join(release, 'BUILD'))
    assert.deepEqual(findFlaws(release), ['BUILD: says no build'])
  })
})

function scratch(t: TestContext) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'release-')))
  t.after(() => rmSync(folder, { recursive: true }))
  const layout = layoutOf(join(folder, 'releases/any')) as Layout
  return {
    layout,
    lay(name: string): string {
      const release = join(layout.releases, name)
      for (const path of ['src/cli', 'node_modules']) mkdirSync(join(release, path), { recursive: true })
      for (const path of ['src/cli/main.ts', 'package.json', 'package-lock.json'])
        writeFileSync(join(release, path), '')
      writeFileSync(join(release, 'BUILD'), `${name}\n`)
      return release
    },
    ran: (release: string) =>
      recordActivation(layout, { at: systemClock.now().toISOString(), release, build: basename(release) }),
  }
}
