import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { isRunning, killHard, startHolder, until } from '../../test/support/holder.ts'
import { type Supervised, supervise } from './supervise.ts'

const restart = { firstDelay: 10, maxDelay: 50, healthyAfter: 60_000 }
const urlOf = (file: string): string => JSON.stringify(new URL(file, import.meta.url).href)

/** Notes its pid in a file, then does `what`. */
const child = (what: string): string => `
  import { appendFileSync } from 'node:fs'
  import { dieWithParent } from ${urlOf('../cli/process/dieWithParent.ts')}
  ${what.includes('deaf') ? '' : 'dieWithParent(async () => {})'}
  appendFileSync(process.argv[1], process.pid + '\\n')
  ${what}`
const stay = 'setInterval(() => {}, 1e6)'

test('a process that crashes is started again, after longer and longer pauses', async (t) => {
  const { supervised, runs, lines } = start(t, 'process.exit(3)')
  await until(() => runs().length >= 5)
  await supervised.stop(1_000)
  const delays = lines.map((line) => Number(/in (\d+) ms/.exec(line)?.[1]))
  assert.deepEqual(delays.slice(0, 4), [10, 20, 40, 50])
  assert.match(lines[0] ?? '', /worker ended unexpectedly \(exit code 3\)/)
})

test('a process killed from outside is started again', async (t) => {
  const { supervised, runs } = start(t, stay)
  await until(() => runs().length === 1)
  process.kill(runs()[0] as number, 'SIGKILL')
  await until(() => runs().length === 2)
  assert.equal(supervised.pid(), runs()[1])
})

test('a stopped process is gone and stays gone', async (t) => {
  const { supervised, runs, lines } = start(t, stay)
  await until(() => runs().length === 1)
  await supervised.stop(10_000)
  assert.equal(isRunning(runs()[0] as number), false)
  assert.equal(supervised.pid(), undefined)
  assert.deepEqual(lines, [])
})

test('a process that does not hear SIGTERM is killed when its time is over', async (t) => {
  const { supervised, runs, lines } = start(t, `process.on('SIGTERM', () => {}); ${stay} /* deaf */`)
  await until(() => runs().length === 1)
  await supervised.stop(100)
  assert.equal(isRunning(runs()[0] as number), false)
  assert.match(lines.join(), /did not end in 100 ms/)
})

test('a stop during the pause before a restart prevents the restart', async (t) => {
  const slow = { ...restart, firstDelay: 300, maxDelay: 300 }
  const { supervised, runs, lines } = start(t, 'process.exit(1)', slow)
  await until(() => lines.length === 1)
  await supervised.stop(1_000)
  await new Promise((resolve) => setTimeout(resolve, 600))
  assert.equal(runs().length, 1)
})

test('a supervised process ends when its supervisor is killed', async (t) => {
  const folder = scratch(t)
  const file = join(folder, 'runs')
  writeFileSync(file, '')
  const holder = `
    import { supervise } from ${urlOf('./supervise.ts')}
    const args = ['--input-type=module', '-e', process.argv[1], process.argv[2]]
    supervise({ name: 'worker', args, env: process.env, log: () => {}, restart: ${JSON.stringify(restart)} })
    console.log('started')`
  const { process: supervisor } = await startHolder(holder, [child(stay), file])
  await until(() => readFileSync(file, 'utf8').endsWith('\n'))
  const pid = Number(readFileSync(file, 'utf8'))
  await killHard(supervisor)
  await until(() => !isRunning(pid))
})

function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'supervise-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

function start(
  t: TestContext,
  what: string,
  policy = restart,
): { supervised: Supervised; runs: () => number[]; lines: string[] } {
  const folder = mkdtempSync(join(tmpdir(), 'supervise-'))
  const file = join(folder, 'runs')
  writeFileSync(file, '')
  const lines: string[] = []
  const supervised = supervise({
    name: 'worker',
    args: ['--input-type=module', '-e', child(what), file],
    env: process.env,
    log: (line) => lines.push(line),
    restart: policy,
  })
  t.after(async () => {
    await supervised.stop(1_000)
    rmSync(folder, { recursive: true })
  })
  const runs = (): number[] => readFileSync(file, 'utf8').split('\n').filter(Boolean).map(Number)
  return { supervised, runs, lines }
}
