// Behind every npm script. Plain JavaScript for Node 20: it installs the packages, among them the pinned Node 24 that
// runs everything else.
import { root } from './dependencies.mjs'
import { launch } from './launch.mjs'

/** What each command runs, relative to the root. */
const COMMANDS = {
  start: ['src/cli/main.ts', 'up', '--app', 'examples/festival/app.ts'],
  surety: ['src/cli/main.ts'],
  test: ['test/run.ts'],
  check: ['scripts/check.ts'],
  fix: ['node_modules/@biomejs/biome/bin/biome', 'check', '--write'],
  bench: ['bench/run.ts'],
  'new:module': ['scripts/new-module.ts'],
}

const [command, ...args] = process.argv.slice(2)
if (command !== undefined && Object.hasOwn(COMMANDS, command)) {
  process.chdir(root)
  await launch([...COMMANDS[command], ...args])
} else {
  console.error(`Usage: node scripts/run.mjs <${Object.keys(COMMANDS).join('|')}> [arguments]`)
  process.exitCode = 2
}
