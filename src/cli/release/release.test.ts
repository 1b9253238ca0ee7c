import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { buildOf } from '../../kernel/build.ts'
import { activeRelease, findFlaws, type Layout, layoutOf } from '../../modules/release/index.ts'
import { platformModules } from '../platform.ts'
import { collectMigrations } from '../prepare.ts'
import { activate, rollBack } from './activate.ts'
import { askRelease } from './describe.ts'
import { pack } from './pack.ts'
import { unknownMigrations } from './unknownMigrations.ts'

const ROOT = join(import.meta.dirname, '../../..')

describe('a packed release', () => {
  it('is what the commit holds, and says when it is no longer that', (t) => {
    const folder = scratch(t)
    const source = join(folder, 'source')
    mkdirSync(join(source, 'src/cli'), { recursive: true })
    for (const path of ['package.json', 'package-lock.json', 'src/cli/main.ts'])
      writeFileSync(join(source, path), path)
    const git = (...args: string[]) => execFileSync('git', ['-C', source, ...args])
    git('init', '-q')
    git('add', '.')
    git('-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '-q', '-m', 'one')
    writeFileSync(join(source, 'secret'), 'never committed')
    const build = buildOf(source)
    runFrom(t, source)
    pack(join(folder, 'releases'))
    pack(join(folder, 'releases'))
    const release = join(folder, 'releases', build)
    assert.deepEqual(execFileSync('ls', ['-A', release], { encoding: 'utf8' }).trim().split('\n').sort(), [
      ...['BUILD', 'package-lock.json', 'package.json', 'src'],
    ])
    // As `sha256sum --check` reads it.
    const lines = readFileSync(join(release, 'BUILD'), 'utf8').trim().split('\n')
    execFileSync('sha256sum', ['--check', '--quiet'], {
      cwd: release,
      input: `${lines.slice(1).join('\n')}\n`,
    })
    assert.equal(buildOf(release), build)
    assert.deepEqual(findFlaws(release), ['node_modules: missing'])
    appendFileSync(join(release, 'src/cli/main.ts'), 'x')
    assert.deepEqual(findFlaws(release), ['node_modules: missing', 'src/cli/main.ts: not as it was packed'])
  })
})

describe('activating a release', () => {
  it('offline only sets the link; what is not complete or the same build is refused', async (t) => {
    const { layout, lay } = releases(t)
    const [a, b] = [lay('a'), lay('b')]
    runFrom(t, a)
    await activate('a', { offline: true })
    await activate(b, { offline: true })
    assert.equal(activeRelease(layout), b)
    rmSync(join(lay('c'), 'package.json'))
    await assert.rejects(activate('c', { offline: true }), {
      code: 'release-incomplete',
      message: /package.json/,
    })
    writeFileSync(join(a, 'BUILD'), 'b\n')
    await assert.rejects(activate('a', { offline: true }), {
      code: 'release-incomplete',
      message: /same build/,
    })
    await assert.rejects(activate('nowhere', { offline: true }), { code: 'release-incomplete' })
    assert.equal(activeRelease(layout), b)
  })

  it('needs releases beside each other, and going back one that ran before', async (t) => {
    const { layout, lay } = releases(t)
    runFrom(t, lay('a'))
    await activate('a', { offline: true })
    await assert.rejects(rollBack({ offline: true }), { code: 'release-none-before' })
    runFrom(t, layout.folder)
    await assert.rejects(rollBack({ offline: true }), { code: 'release-layout' })
  })
})

describe('what a release says of itself', () => {
  let platform: TestPlatform
  before(async () => {
    platform = await testPlatform()
  })
  after(() => platform?.stop())

  it('tells which applied migrations it does not know', async () => {
    const { build, migrations } = await askRelease(ROOT, { PATH: process.env.PATH })
    assert.equal(build, buildOf(ROOT))
    const own = await collectMigrations(platformModules, 'tenant')
    assert.deepEqual(
      migrations.tenant,
      own.map(({ name }) => name),
    )
    assert.deepEqual(await unknownMigrations(platform.stores, { build, migrations }), [])
    const older = {
      control: migrations.control.filter((name) => name !== 'telemetry/0003-log-heads.sql'),
      keys: migrations.keys,
      tenant: migrations.tenant.filter((name) => name !== 'identity/0001-people.sql'),
    }
    assert.deepEqual(await unknownMigrations(platform.stores, { build, migrations: older }), [
      ...['telemetry/0003-log-heads.sql', 'identity/0001-people.sql'],
    ])
  })

  it('is nothing when its code does not load', async (t) => {
    const { lay } = releases(t)
    const release = lay('a')
    runFrom(t, lay('b'))
    writeFileSync(join(release, 'src/cli/main.ts'), "await import('./missing.ts')")
    await assert.rejects(activate('a', { offline: true }), {
      code: 'release-incomplete',
      message: /missing\.ts/,
    })
  })
})

function scratch(t: TestContext): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'release-')))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

/** The command is run as if it were that release's own. */
function runFrom(t: TestContext, release: string): void {
  const before = process.env.SURETY_RELEASE
  process.env.SURETY_RELEASE = release
  t.after(() => {
    if (before === undefined) delete process.env.SURETY_RELEASE
    else process.env.SURETY_RELEASE = before
  })
}

function releases(t: TestContext) {
  const layout = layoutOf(join(scratch(t), 'releases/any')) as Layout
  return {
    layout,
    lay(name: string): string {
      const release = join(layout.releases, name)
      for (const path of ['src/cli', 'node_modules']) mkdirSync(join(release, path), { recursive: true })
      for (const path of ['package.json', 'package-lock.json']) writeFileSync(join(release, path), '{}')
      const description = { build: name, migrations: { control: [], keys: [], tenant: [] } }
      writeFileSync(join(release, 'src/cli/main.ts'), `console.log('${JSON.stringify(description)}')`)
      writeFileSync(join(release, 'BUILD'), `${name}\n`)
      return release
    },
  }
}
