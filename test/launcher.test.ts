import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { removeDataDirectory } from '../src/data/local/home.ts'
import { copyRepository } from './support/checkout.ts'
import { until } from './support/holder.ts'
import { findLeftovers } from './support/leftovers.ts'

const skip = process.platform !== 'linux' && 'processes are looked for in /proc'

const PARTS = [
  ...['package.json', 'package-lock.json', 'scripts'],
  ...['src/kernel', 'src/data/local', 'src/data/secrets.ts', 'src/cli/process'],
]

/** What runs tests. */
const RUNNER = [
  ...['test/run.ts', 'test/support'],
  ...['kernelWall.ts', 'confinement.ts'].map((file) => `src/modules/media/${file}`),
]

/** Stands in for the product: two servers and a supervised process, ended in order. */
const MAIN = `
import { RESTART_POLICY, supervise } from '../kernel/supervise.ts'
import { dieWithParent } from './process/dieWithParent.ts'
import { startPostgres } from '../data/local/postgres.ts'
import { startRedis } from '../data/local/redis.ts'

const log = (line: string) => console.log(line)
if (process.argv[2] === 'exit') process.exit(Number(process.argv[3]))
let servers: { stop(): Promise<void> }[] = []
dieWithParent(async () => {
  await worker?.stop(5_000)
  for (const server of servers) await server.stop()
  log('stopped in order')
})
servers = [await startPostgres({ dir: '.data', log }), await startRedis({ dir: '.data', log })]
const args = [new URL('worker.ts', import.meta.url).pathname]
const worker = supervise({ name: 'worker', args, env: process.env, log, restart: RESTART_POLICY })
log('ready ' + process.ppid + ' ' + process.pid)
`
const WORKER = `
import { dieWithParent } from './process/dieWithParent.ts'
dieWithParent(async () => {})
setInterval(() => {}, 1e6)
`

test('Ctrl-C, which reaches every process of the terminal, ends all in order', { skip }, async (t) => {
  const run = await startProduct(t)
  process.kill(-(run.npm.pid as number), 'SIGINT')
  await once(run.npm, 'exit')
  assert.match(run.output(), /stopped in order/)
  await nothingIsLeft(run.folder)
})

test('SIGTERM to npm alone ends all in order', { skip }, async (t) => {
  const run = await startProduct(t)
  run.npm.kill('SIGTERM')
  await nothingIsLeft(run.folder)
  assert.match(run.output(), /stopped in order/)
})

test('a closed terminal (SIGHUP to every process) ends all in order', { skip }, async (t) => {
  const run = await startProduct(t)
  process.kill(-(run.npm.pid as number), 'SIGHUP')
  await nothingIsLeft(run.folder)
  assert.match(run.output(), /stopped in order/)
})

test('kill -9 of npm leaves nothing', { skip }, async (t) => {
  const run = await startProduct(t)
  run.npm.kill('SIGKILL')
  await nothingIsLeft(run.folder)
  assert.match(run.output(), /stopped in order/)
})

test('kill -9 of the launcher leaves nothing', { skip }, async (t) => {
  const run = await startProduct(t)
  process.kill(run.launcher, 'SIGKILL')
  await nothingIsLeft(run.folder)
  assert.match(run.output(), /stopped in order/)
})

test('kill -9 of the product leaves nothing, and it starts again on the same files', { skip }, async (t) => {
  const run = await startProduct(t)
  const exit = once(run.npm, 'exit')
  process.kill(run.main, 'SIGKILL')
  assert.deepEqual(await exit, [137, null])
  await nothingIsLeft(run.folder)
  const again = await startProduct(t, run.folder)
  again.npm.kill('SIGTERM')
  await nothingIsLeft(run.folder)
})

test('kill -9 of all of them at once leaves nothing', { skip }, async (t) => {
  const run = await startProduct(t)
  process.kill(-(run.npm.pid as number), 'SIGKILL')
  await nothingIsLeft(run.folder)
})

test('kill -9 of a test run leaves nothing', { skip }, async (t) => {
  const slow = `
    import { writeFileSync } from 'node:fs'
    import { test } from 'node:test'
    import { createScratchDatabase } from '../test/support/servers.ts'
    test('slow', async () => {
      await createScratchDatabase()
      writeFileSync('ready', process.env.SURETY_TEST_RUN)
      await new Promise((resolve) => setTimeout(resolve, 1e6))
    })`
  const folder = copyRepository([...PARTS, ...RUNNER], { 'src/slow.test.ts': slow })
  t.after(() => rmSync(folder, { recursive: true }))
  // Without this run's mark, by which node:test refuses to run inside a test.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const npm = spawn('npm', ['test', '--', 'src/slow.test.ts'], { cwd: folder, env, stdio: 'ignore' })
  const ready = join(folder, 'ready')
  await until(() => existsSync(ready) && readFileSync(ready, 'utf8') !== '')
  const gone = once(npm, 'exit')
  process.kill(Number(readFileSync(ready, 'utf8')), 'SIGKILL')
  assert.deepEqual(await gone, [137, null])
  await nothingIsLeft(folder)
})

test('the exit code is that of the product', async (t) => {
  const folder = checkout(t)
  const npm = spawn('npm', ['run', '--silent', 'surety', '--', 'exit', '3'], { cwd: folder, stdio: 'ignore' })
  assert.deepEqual(await once(npm, 'exit'), [3, null])
})

test('the surety program runs the product from any folder', async (t) => {
  const folder = checkout(t)
  const program = spawn(process.execPath, [join(folder, 'scripts/surety.mjs'), 'exit', '4'], { cwd: '/' })
  assert.deepEqual(await once(program, 'exit'), [4, null])
})

test('an unknown command is answered with the known ones', async (t) => {
  const folder = checkout(t)
  const program = spawn(process.execPath, [join(folder, 'scripts/run.mjs'), 'strat'])
  const errors = collect(program.stderr)
  assert.deepEqual(await once(program, 'close'), [2, null])
  assert.match(errors(), /start\|surety\|test/)
})

function checkout(t: TestContext): string {
  const folder = copyRepository(PARTS, { 'src/cli/main.ts': MAIN, 'src/cli/worker.ts': WORKER })
  t.after(async () => {
    for (const { pid } of findLeftovers([folder])) process.kill(pid, 'SIGKILL')
    await sleep(100)
    removeDataDirectory(join(folder, '.data'))
    rmSync(folder, { recursive: true })
  })
  return folder
}

interface Run {
  folder: string
  npm: ChildProcess
  launcher: number
  main: number
  output: () => string
}

/** `npm start` as a terminal would run it, in a process group of its own, until it says that it is ready. */
async function startProduct(t: TestContext, folder = checkout(t)): Promise<Run> {
  const npm = spawn('npm', ['start'], { cwd: folder, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const output = collect(npm.stdout, npm.stderr)
  const ready = (): RegExpExecArray | null => /ready (\d+) (\d+)/.exec(output())
  await until(() => ready() !== null || npm.exitCode !== null, 60).catch(() => {})
  const [, launcher, main] = ready() ?? assert.fail(`did not start:\n${output()}`)
  await until(() => workerRuns(folder))
  return { folder, npm, launcher: Number(launcher), main: Number(main), output }
}

function collect(...streams: Readable[]): () => string {
  let output = ''
  for (const stream of streams)
    stream.on('data', (chunk) => {
      output += chunk
    })
  return () => output
}

function workerRuns(folder: string): boolean {
  return findLeftovers([folder]).some(({ command }) => command.includes('worker.ts'))
}

async function nothingIsLeft(folder: string): Promise<void> {
  await until(() => findLeftovers([folder]).length === 0).catch(() => {
    assert.deepEqual(findLeftovers([folder]), [])
  })
}
