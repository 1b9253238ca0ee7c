import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { START_FLAGS } from './fast.ts'

/** How a test file went. */
export interface FileResult {
  file: string
  /** What its process printed, without the totals. */
  output: string
  ok: boolean
  seconds: number
  /** How many tests there were, by what node:test says of them: tests, pass, fail, cancelled, todo. */
  totals: Record<string, number>
  /** Each test and suite that was skipped, and why. */
  skips: string[]
}

const PRELOAD = join(import.meta.dirname, 'preload.ts')
/** A test that hangs fails after four minutes, which is plenty also on a slow machine; one that needs longer says so itself. */
const TEST_TIMEOUT = '--test-timeout=240000'
/** A file that prints nothing for so long does not end by itself: something it opened is still open. */
const SILENCE_MS = 420_000

/** Test files whose processes run now. */
const running = new Set<ChildProcess>()

/** Runs one test file in a process, and a process group, of its own. */
export function runFile(
  file: string,
  flags: readonly string[],
  env: Record<string, string>,
): Promise<FileResult> {
  const began = Date.now()
  const args = [...START_FLAGS, `--import=${PRELOAD}`, '--test-reporter=spec', TEST_TIMEOUT, ...flags, file]
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    // A Ctrl-C reaches tests only through us, and all of them.
    detached: true,
  })
  running.add(child)
  let output = ''
  const silence = setTimeout(() => {
    output += `Nothing was printed for ${SILENCE_MS / 60_000} minutes; the process was killed.\n`
    endGroup(child)
  }, SILENCE_MS)
  const take = (text: string): void => {
    output += text
    silence.refresh()
  }
  child.stdout.setEncoding('utf8').on('data', take)
  child.stderr.setEncoding('utf8').on('data', take)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      clearTimeout(silence)
      running.delete(child)
      resolve({ file, ok: code === 0, seconds: (Date.now() - began) / 1000, ...parted(output) })
    })
  })
}

/** Ends every test file that runs, with all it started. */
export function endFiles(): void {
  for (const child of running) endGroup(child)
}

/** node:test counts no suite that is skipped, so these lines are counted. */
const SKIP = /^ *﹣ (.*)$/gm
const TOTAL = /^ℹ (tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) ([\d.]+)\n/gm

function parted(text: string): Pick<FileResult, 'output' | 'totals' | 'skips'> {
  const totals: Record<string, number> = {}
  for (const [, name, count] of text.matchAll(TOTAL)) totals[name as string] = Number(count)
  const skips = [...text.matchAll(SKIP)].map(([, line]) => (line as string).replace(/ \([\d.]+ms\)/, ''))
  return { output: text.replace(TOTAL, ''), totals, skips }
}

function endGroup({ pid }: ChildProcess): void {
  try {
    if (pid) process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
