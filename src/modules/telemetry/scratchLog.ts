import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { createLog, guardOf, type Log, type LogGuard } from '../../kernel/log.ts'

/** What `write` makes a log say that is guarded as the running one is. */
export function written(write: (log: Log) => void, guard: LogGuard): string {
  const { lines, destination } = collect()
  const log = createLog({ name: 'probe', level: 'info', destination })
  Object.assign(guardOf(log), guard)
  write(log)
  return lines.join('')
}

/** The same by pino alone, which redacts nothing. */
export function writtenBare(write: (log: Log) => void): string {
  const { lines, destination } = collect()
  write(pino({ name: 'probe' }, destination))
  return lines.join('')
}

function collect() {
  const lines: string[] = []
  return { lines, destination: { write: (line: string) => void lines.push(line) } }
}

/** The text of all files in `folder`. */
export const readAll = (folder: string): string =>
  readdirSync(folder)
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('')

/** A folder for the length of `work`. */
export async function inScratchFolder<T>(work: (folder: string) => Promise<T> | T): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'surety-logs-'))
  try {
    return await work(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
