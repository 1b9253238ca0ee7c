// `npm run check`: types, lint, import boundaries, unused code. All run, also when one fails.
import { execFile } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { styleText } from 'node:util'
import { dieWithParent } from '../src/cli/process/dieWithParent.ts'
import { findViolations } from './boundaries.ts'

interface Result {
  ok: boolean
  /** What the reader needs to see when it failed. */
  output: string
}

const SOURCES = ['src', 'profiles', 'examples', 'web'].map((folder) => `${folder}/**/*.{ts,tsx}`)

const running = new AbortController()
dieWithParent(async () => {
  running.abort()
  return 130
})
const root = join(import.meta.dirname, '..')
let failed = 0
await report('types', packageProgram('typescript', 'tsc', ['--noEmit', '--pretty']))
await report('types of the pages', packageProgram('typescript', 'tsc', ['--noEmit', '--pretty', '-p', 'web']))
await report('lint and format', packageProgram('@biomejs/biome', 'biome', ['check', '--colors=off']))
await report('import boundaries', boundaries())
await report('unused code', packageProgram('knip', 'knip', ['--no-progress']))
console.log(
  failed === 0 ? 'All checks passed.' : `${failed} of 5 checks failed. \`npm run fix\` repairs what it can.`,
)
process.exitCode = failed === 0 ? 0 : 1

async function report(name: string, check: Promise<Result>): Promise<void> {
  const began = performance.now()
  const { ok, output } = await check
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  const mark = ok ? styleText('green', '✔') : styleText('red', '✖')
  console.log(`${mark} ${name} (${seconds} s)`)
  if (ok) return
  failed += 1
  console.log(`${output.trimEnd()}\n`)
}

async function boundaries(): Promise<Result> {
  const paths = globSync(SOURCES, { cwd: root, exclude: ['**/node_modules/**', '**/dist/**'] })
  const files = paths.sort().map((path) => ({
    path: path.split(sep).join('/'),
    text: readFileSync(join(root, path), 'utf8'),
  }))
  const violations = findViolations(files)
  return { ok: violations.length === 0, output: violations.join('\n') }
}

/** Runs a package's program with the Node that runs this. */
function packageProgram(name: string, program: string, args: readonly string[]): Promise<Result> {
  const folder = join(root, 'node_modules', name)
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    bin: Record<string, string>
  }
  const options = { cwd: root, signal: running.signal, maxBuffer: 50_000_000 }
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [join(folder, bin[program] as string), ...args],
      options,
      (error, stdout, stderr) => resolve({ ok: error === null, output: `${stdout}${stderr}` }),
    )
  })
}
