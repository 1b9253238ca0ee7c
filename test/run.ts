// `npm test [-- files or folders, or node:test flags]`: all tests against one private Postgres and Redis.
import { type ChildProcess, spawn } from 'node:child_process'
import { globSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import { dieWithParent } from '../src/cli/process/dieWithParent.ts'
import { Problem } from '../src/kernel/problems.ts'
import { findLeftovers } from './support/leftovers.ts'
import { type RunServers, startRunServers } from './support/runServers.ts'

const PATTERNS = ['src', 'examples', 'test', 'bench', 'scripts'].map((folder) => `${folder}/**/*.test.ts`)
/** A test that hangs fails after two minutes; one that needs longer says so itself. */
const TIMEOUT = '--test-timeout=120000'
const LEFTOVER_GRACE_MS = 3_000

const root = join(import.meta.dirname, '..')
const log = (line: string): void => console.error(line)
let servers: RunServers | undefined
let runner: ChildProcess | undefined

dieWithParent(async () => {
  if (runner?.pid) endGroup(runner.pid)
  await cleanUp()
  return 130
})
const code = await run(process.argv.slice(2)).catch((error: unknown) => {
  // A Problem is written for the reader; anything else is a defect and shows where.
  log(error instanceof Problem ? error.message : inspect(error))
  return 1
})
// Servers that were started before a failure end with this process.
process.exit(code)

async function run(args: readonly string[]): Promise<number> {
  const flags = args.filter((arg) => arg.startsWith('-'))
  const files = testFiles(args.filter((arg) => !arg.startsWith('-')))
  if (files.length === 0) {
    log(`No test file matches ${args.join(' ')}.`)
    return 1
  }
  servers = await startRunServers(root, log)
  const code = await runTests(flags, files, servers.env)
  const leftovers = await cleanUp()
  return leftovers === 0 ? code : 1
}

/** Files for the given paths: a file, a folder or a glob; all of them when none is given. */
function testFiles(paths: readonly string[]): string[] {
  const patterns = paths.map((path) =>
    statSync(path, { throwIfNoEntry: false })?.isDirectory() ? join(path, '**/*.test.ts') : path,
  )
  return globSync(patterns.length > 0 ? patterns : PATTERNS).sort()
}

function runTests(
  flags: readonly string[],
  files: readonly string[],
  env: Record<string, string>,
): Promise<number> {
  const preload = `--import=${join(import.meta.dirname, 'support/endWithRun.ts')}`
  const settings = ['--test', '--test-concurrency=2', '--test-reporter=spec', TIMEOUT, ...flags]
  runner = spawn(process.execPath, [preload, ...settings, ...files], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env },
    // A group of its own, so that a Ctrl-C reaches tests only through us, and all of them.
    detached: true,
  })
  return new Promise((resolve, reject) => {
    runner?.on('error', reject)
    runner?.on('exit', (code) => resolve(code ?? 1))
  })
}

/** Ends the servers, reports how many processes of the run were left (they are killed), and removes the files. */
async function cleanUp(): Promise<number> {
  if (!servers) return 0
  const { marks, stop, removeFiles } = servers
  servers = undefined
  await stop()
  for (const began = Date.now(); Date.now() - began < LEFTOVER_GRACE_MS; await sleep(100)) {
    if (findLeftovers(marks).length === 0) break
  }
  const left = findLeftovers(marks)
  for (const { pid, command } of left) {
    log(`Process ${pid} was left by the tests: ${command}`)
    process.kill(pid, 'SIGKILL')
  }
  removeFiles()
  return left.length
}

function endGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
