// `npm run bench [-- name ...] [-- --databases]`: each benchmark against the bare operation, in one run.
import { globSync, mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { dieWithParent } from '../src/cli/process/dieWithParent.ts'
import { removeDataDirectory } from '../src/data/local/home.ts'
import { startPostgres } from '../src/data/local/postgres.ts'
import { startRedis } from '../src/data/local/redis.ts'
import type { Print } from './compare.ts'

interface Benchmark {
  run(print: Print, args: readonly string[]): Promise<void>
}

const root = join(import.meta.dirname, '..')
const dir = join(root, '.data/bench', String(process.pid))
const temporary = mkdtempSync(join(tmpdir(), 'surety-bench-'))
const endings: (() => Promise<unknown>)[] = []
const stop = async () => {
  for (const end of endings.splice(0)) await end()
  removeDataDirectory(dir)
  rmSync(temporary, { recursive: true, force: true })
}
dieWithParent(stop)

const args = process.argv.slice(2)
const names = args.filter((arg) => !arg.startsWith('--'))
const files = globSync('bench/*.bench.ts', { cwd: root }).filter(
  (file) => names.length === 0 || names.includes(basename(file, '.bench.ts')),
)
if (files.length === 0) {
  console.error(`No benchmark matches ${names.join(' ')}.`)
  process.exit(2)
}
const log = (line: string) => console.error(line)
const postgres = await startPostgres({ dir, settings: { max_connections: 300 }, log })
endings.push(postgres.stop)
const redis = await startRedis({ dir, log })
endings.push(redis.stop)
process.env.SURETY_TEST_POSTGRES_URL = postgres.url
process.env.SURETY_TEST_REDIS = JSON.stringify({ path: redis.path, password: redis.password })
process.env.TMPDIR = temporary
console.log(
  `Node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model}), client and servers on one machine`,
)
for (const file of files) {
  console.log(`\n# ${basename(file, '.bench.ts')}`)
  const { run } = (await import(join(root, file))) as Benchmark
  await run((line) => console.log(line), args)
}
await stop()
process.exit(0)
