// `npm test [-- files or folders, or node:test flags]`: all tests. Files run in lanes, one after the other in each; a lane
// has a Postgres and a Redis of its own, so that what one file breaks disturbs no other.
import { globSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import { dieWithParent } from '../src/cli/process/dieWithParent.ts'
import { Problem } from '../src/kernel/problems.ts'
import { findLeftovers } from './support/leftovers.ts'
import { endFiles, type FileResult, runFile } from './support/runFile.ts'
import { openRunObjectStore } from './support/runObjectStore.ts'
import {
  placeOfRun,
  prepareRun,
  type RunServers,
  serversAreGiven,
  startRunServers,
} from './support/runServers.ts'
import { installTestPackages } from './support/testPackages.ts'

const PATTERNS = ['src', 'examples', 'test', 'bench', 'scripts'].map((folder) => `${folder}/**/*.test.ts`)
/** What takes long is begun first, so that no lane waits for it in the end. */
const LONG = [/^test\//, /crash/, /shutdown|autorestart/]
/** One more than there are cores: tests wait a sixth of their time. */
const LANES = availableParallelism() + 1
const LEFTOVER_GRACE_MS = 3_000

const log = (line: string): void => console.error(line)
const lanes: RunServers[] = []
const objectStore = openRunObjectStore(placeOfRun())

dieWithParent(async () => {
  endFiles()
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
  await prepareRun(log)
  const count = serversAreGiven() ? 1 : Math.min(LANES, files.length)
  const packages = installTestPackages(files, log)
  const waiting = [...files]
  const take = async (): Promise<string | undefined> => {
    const ready = waiting.findIndex(packages.isReadyFor)
    if (ready < 0) await packages.done
    return waiting.splice(Math.max(ready, 0), 1)[0]
  }
  const results: FileResult[] = []
  const began = Date.now()
  await Promise.all(
    Array.from({ length: count }, async (_, lane) => {
      const servers = await startRunServers(lane, log)
      lanes.push(servers)
      for (let file = await take(); file; file = await take()) {
        const result = await runFile(file, flags, { ...servers.env, ...(await objectStore.envFor(file)) })
        results.push(result)
        tell(result, results.length, files.length)
      }
    }),
  )
  const leftovers = await cleanUp()
  summarise(results, (Date.now() - began) / 1000)
  return leftovers === 0 && results.every(({ ok }) => ok) ? 0 : 1
}

/** Files for the given paths: a file, a folder or a glob; all of them when none is given. Long ones come first. */
function testFiles(paths: readonly string[]): string[] {
  const patterns = paths.map((path) =>
    statSync(path, { throwIfNoEntry: false })?.isDirectory() ? join(path, '**/*.test.ts') : path,
  )
  const rank = (file: string) => LONG.findIndex((long) => long.test(file)) + 1 || LONG.length + 1
  return globSync(patterns.length > 0 ? patterns : PATTERNS)
    .sort()
    .sort((a, b) => rank(a) - rank(b))
}

function tell({ file, output, seconds }: FileResult, done: number, of: number): void {
  console.log(`\n${file} (${seconds.toFixed(1)} s, ${done} of ${of})\n${output.trimEnd()}`)
}

function summarise(results: readonly FileResult[], seconds: number): void {
  const total = (name: string) => results.reduce((sum, { totals }) => sum + (totals[name] ?? 0), 0)
  const counts = ['tests', 'pass', 'fail', 'cancelled'].map((name) => `${name} ${total(name)}`)
  const skips = results.flatMap((result) => result.skips)
  console.log(
    `\n${results.length} files in ${seconds.toFixed(0)} s: ${[...counts, `skipped ${skips.length}`].join(', ')}`,
  )
  for (const line of skips) console.log(`﹣ ${line}`)
  for (const { file, ok } of results) if (!ok) console.log(`✖ ${file}`)
}

/** Ends the servers, reports how many processes of the run were left (they are killed), and removes the files. */
async function cleanUp(): Promise<number> {
  const ended = lanes.splice(0)
  const marks = ended.flatMap((lane) => lane.marks)
  await Promise.all([...ended, objectStore].map(({ stop }) => stop()))
  for (const began = Date.now(); Date.now() - began < LEFTOVER_GRACE_MS; await sleep(100)) {
    if (findLeftovers(marks).length === 0) break
  }
  const left = findLeftovers(marks)
  for (const { pid, command } of left) {
    log(`Process ${pid} was left by the tests: ${command}`)
    process.kill(pid, 'SIGKILL')
  }
  for (const { removeFiles } of ended) removeFiles()
  return left.length
}
