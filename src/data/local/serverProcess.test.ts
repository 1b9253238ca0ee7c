import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { isRunning, killHard, startHolder, until } from '../../../test/support/holder.ts'
import { lastLines, startServerProcess } from './serverProcess.ts'

const holder = `
  import { startServerProcess } from ${JSON.stringify(new URL('./serverProcess.ts', import.meta.url).href)}
  const [logFile, command] = process.argv.slice(1)
  const server = await startServerProcess({ command, args: ['1000'], deathSignal: 'TERM', logFile })
  console.log(server.pid)
  setInterval(() => {}, 1e6)`

test('without setpriv too, a server ends when its parent is killed', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'process-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const programs = join(folder, 'bin')
  mkdirSync(programs)
  for (const name of ['sh', 'cat']) symlinkSync(programPath(name), join(programs, name))
  const env = { ...process.env, PATH: programs }
  const { process: parent, firstLine } = await startHolder(
    holder,
    [join(folder, 'log'), programPath('sleep')],
    env,
  )
  const pid = Number(firstLine)
  assert.ok(isRunning(pid))
  await killHard(parent)
  await until(() => !isRunning(pid))
})

test('a server that ignores the polite signal is killed when the time is over', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'process-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const server = await startServerProcess({
    command: '/bin/sh',
    args: ['-c', 'trap "" TERM; echo deaf; while :; do sleep 0.1; done'],
    account: undefined,
    deathSignal: 'KILL',
    logFile: join(folder, 'log'),
  })
  await until(() => lastLines(join(folder, 'log'), 1) === 'deaf')
  await server.end('SIGTERM', 300)
  assert.equal(await server.ended, 'SIGKILL')
})

const programPath = (name: string): string =>
  execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim()
