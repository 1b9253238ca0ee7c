import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { buffer } from 'node:stream/consumers'
import { findPgBackRest } from '../../../data/local/binaries.ts'
import { defineProblem } from '../../../kernel/problems.ts'
import type { Place } from './place.ts'

const missing = defineProblem({ code: 'pitr-program-missing', status: 500, title: 'pgBackRest is missing' })
const failed = defineProblem({ code: 'pitr-failed', status: 500, title: 'pgBackRest failed' })
/** Another one of its commands is at work on the same cluster. */
const busy = defineProblem({ code: 'pitr-busy', status: 409, title: 'pgBackRest is at work already' })

/** Its own code for a lock that another process holds. */
const LOCKED = 50

/** How a command of pgBackRest is run. */
export interface RunOptions {
  args?: readonly string[]
  /** For what connects to the database. */
  password?: string
  /** Each line that it logs; without it only errors are looked at. */
  onLine?: (line: string) => void
  signal?: AbortSignal | undefined
}

/**
 * Runs one command of pgBackRest and resolves to what it printed. Throws Problems `pitr-program-missing`, `pitr-busy`, and
 * `pitr-failed` with its own words.
 */
export async function pgBackRest(place: Place, command: string, options: RunOptions = {}): Promise<string> {
  return (await pgBackRestBytes(place, command, options)).toString('utf8')
}

/** The same, when what it prints is no text. */
export async function pgBackRestBytes(
  { config, stanza, account }: Place,
  command: string,
  { args = [], password, onLine, signal }: RunOptions,
): Promise<Buffer> {
  const program = findPgBackRest()
  if (!program)
    throw missing(
      'Install it (Debian: apt install pgbackrest; macOS: brew install pgbackrest) and try again.',
    )
  const level = onLine ? 'detail' : 'off'
  const logged = [
    `--log-level-console=off`,
    `--log-level-stderr=${onLine ? level : 'warn'}`,
    '--no-log-timestamp',
  ]
  const child = spawn(program, [command, `--config=${config}`, `--stanza=${stanza}`, ...logged, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: '/',
    env: { PATH: process.env.PATH, ...(password === undefined ? {} : { PGPASSWORD: password }) },
    ...(account && { uid: account.uid, gid: account.gid }),
    ...(signal && { signal, killSignal: 'SIGTERM' as const }),
  })
  const problems: string[] = []
  const lines = createInterface(child.stderr)
  lines.on('line', (line) => {
    if (/ERROR:|HINT:|WARN:/.test(line)) problems.push(line.trim())
    onLine?.(line)
  })
  const printed = buffer(child.stdout)
  const [code] = (await once(child, 'close')) as [number | null]
  if (code === 0) return printed
  const said = problems.map((line) => line.replace(/^P\d+ +/, '')).join(' ') || `It ended with ${code}.`
  throw code === LOCKED ? busy(said) : failed(said.slice(0, 1_000))
}
