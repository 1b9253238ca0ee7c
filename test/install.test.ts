import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { bareCheckout } from './support/checkout.ts'
import { isRunning, killHard, startHolder, until } from './support/holder.ts'
import { findLeftovers } from './support/leftovers.ts'

const PACKAGE = { name: 'trial', version: '1.0.0', dependencies: { part: 'file:part' } }
const LOCK = {
  ...{ name: 'trial', version: '1.0.0', lockfileVersion: 3, requires: true },
  packages: {
    '': { name: 'trial', version: '1.0.0', dependencies: { part: 'file:part' } },
    'node_modules/part': { resolved: 'part', link: true },
    part: { version: '1.0.0' },
  },
}
const FILES = {
  'package.json': JSON.stringify(PACKAGE),
  'package-lock.json': JSON.stringify(LOCK),
  'part/package.json': JSON.stringify({ name: 'part', version: '1.0.0' }),
  'src/cli/main.ts': `console.log('product runs')`,
}

test('the first start installs, the second does not', async (t) => {
  const folder = checkout(t)
  const first = launch(folder)
  assert.equal(await first.code(), 0)
  assert.match(first.output(), /Installing the packages.*Packages installed.*product runs/s)
  assert.ok(existsSync(join(folder, 'node_modules/part/package.json')))
  const second = launch(folder)
  assert.equal(await second.code(), 0)
  assert.equal(second.output(), 'product runs\n')
})

test('two first starts at once both run', async (t) => {
  const folder = checkout(t)
  const both = [launch(folder), launch(folder)]
  assert.deepEqual(await Promise.all(both.map((one) => one.code())), [0, 0])
  for (const one of both) assert.match(one.output(), /product runs/)
})

test('a start waits for an install that runs, and goes on when that one is killed', async (t) => {
  const folder = checkout(t)
  const { process: holder } = await holdInstallLock(folder)
  const waiting = launch(folder)
  await until(() => waiting.output().includes(`Waiting for process ${holder.pid}`))
  assert.ok(!existsSync(join(folder, 'node_modules')))
  await killHard(holder)
  assert.equal(await waiting.code(), 0)
  assert.match(waiting.output(), /product runs/)
})

test('an install ends with the launcher that is killed', {
  skip: process.platform !== 'linux' && 'processes are looked for in /proc',
}, async (t) => {
  const folder = checkout(t)
  const { process: holder } = await holdInstallLock(folder)
  const waiting = launch(folder)
  await until(() => waiting.output().includes('Waiting for process'))
  await killHard(waiting.process)
  await until(() => findLeftovers([folder]).every(({ pid }) => pid === holder.pid))
  await killHard(holder)
})

test('Ctrl-C during the install ends it', async (t) => {
  const folder = checkout(t)
  const { process: holder } = await holdInstallLock(folder)
  const waiting = launch(folder)
  await until(() => waiting.output().includes('Waiting for process'))
  waiting.process.kill('SIGINT')
  assert.deepEqual(await once(waiting.process, 'exit'), [null, 'SIGINT'])
  assert.doesNotMatch(waiting.output(), /failed/)
  assert.ok(isRunning(holder.pid as number))
  await killHard(holder)
})

test('an install that fails says so, and what to do', async (t) => {
  const wrong = { ...PACKAGE, dependencies: { part: 'file:part', other: 'file:other' } }
  const folder = checkout(t, { 'package.json': JSON.stringify(wrong) })
  const failing = launch(folder)
  assert.equal(await failing.code(), 1)
  assert.match(failing.output(), /npm ci failed \(exit \d+\).*Run the same command again/s)
  assert.doesNotMatch(failing.output(), /product runs/)
})

function checkout(t: TestContext, files: Record<string, string> = {}): string {
  const folder = bareCheckout({ ...FILES, ...files })
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A process that holds the lock as an npm that installs would. */
function holdInstallLock(folder: string): Promise<{ process: ChildProcess; firstLine: string }> {
  const holder = `
    import { root } from ${JSON.stringify(join(folder, 'scripts/dependencies.mjs'))}
    import { holdLock } from ${JSON.stringify(join(folder, 'scripts/lock.mjs'))}
    await holdLock('install ' + root, () => {})
    console.log('held')
    setInterval(() => {}, 1e6)`
  return startHolder(holder, [])
}

function launch(folder: string): {
  process: ChildProcess
  output: () => string
  code: () => Promise<number>
} {
  const child = spawn(process.execPath, [join(folder, 'scripts/surety.mjs')], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      output += chunk
    })
  const closed = once(child, 'close')
  return { process: child, output: () => output, code: async () => (await closed)[0] }
}
