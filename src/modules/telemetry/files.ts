import { createHmac } from 'node:crypto'
import { appendFileSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import pino from 'pino'
import type { Clock } from '../../kernel/clock.ts'
import type { LogSink } from '../../kernel/log.ts'

/** Each is kept for a time of its own. */
export const SINKS = ['requests', 'lines', 'alarms'] as const
export type SinkName = (typeof SINKS)[number]

export interface FilesOptions {
  clock: Clock
  /** Seals blocks of lines. */
  key: string
  /** Milliseconds. */
  keepFor: Readonly<Record<SinkName, number>>
  /** Which process writes; in the names of its files. */
  writer: string
}

/** Log files of one process. */
export interface LogFiles extends LogSink {
  folder: string
  /** Writes what is waiting. */
  flush(): void
  /** Removes what is too old, also of processes that are gone. */
  prune(): void
  /** The last seal of each of the process's own files of today and the day before, by name. */
  heads(): ReadonlyMap<string, string>
  /** By sink, the first day (YYYY-MM-DD) whose files must still be there. */
  oldestDays(): [SinkName, string][]
  close(): void
}

const NAME = /^(\d{4}-\d\d-\d\d)\.(requests|lines|alarms)\.[\w-]+\.jsonl$/
const DAY = 86_400_000
/** Milliseconds that a quiet line may wait, and bytes that may. From `warn` on nothing waits. */
const WAIT = 200
const MOST_WAITING = 65_536

/**
 * Files of JSON lines in `folder` (0750, files 0640): one a day, sink and process. After each block of lines stands a seal,
 * an HMAC over the block and the seal before it, so that a line that was changed, moved or taken out breaks the chain.
 */
export function openLogFiles(folder: string, { clock, key, keepFor, writer }: FilesOptions): LogFiles {
  mkdirSync(folder, { recursive: true, mode: 0o750 })
  const waiting: Record<SinkName, string> = { requests: '', lines: '', alarms: '' }
  const seals = new Map<string, string>()
  let today = ''
  const prune = () => {
    for (const { name, sink, until } of filesIn(folder))
      if (until + keepFor[sink] < clock.now().getTime()) rmSync(join(folder, name), { force: true })
  }
  const flush = () => {
    const day = clock.now().toISOString().slice(0, 10)
    if (day !== today) {
      for (const name of seals.keys()) if (!name.startsWith(today)) seals.delete(name)
      today = day
      prune()
    }
    for (const sink of SINKS) {
      const block = waiting[sink]
      if (block === '') continue
      waiting[sink] = ''
      const name = `${day}.${sink}.${writer}.jsonl`
      const seal = sealOf(key, seals.get(name) ?? name, block)
      appendFileSync(join(folder, name), `${block}${JSON.stringify({ seal })}\n`, { mode: 0o640 })
      seals.set(name, seal)
    }
  }
  prune()
  const timer = setInterval(flush, WAIT).unref()
  return {
    folder,
    flush,
    prune,
    heads: () => seals,
    oldestDays: () =>
      SINKS.map((sink) => [sink, new Date(clock.now().getTime() - keepFor[sink]).toISOString().slice(0, 10)]),
    write(line, level, kind) {
      const loud = level >= (pino.levels.values.warn as number)
      const sink = loud ? 'alarms' : kind === 'request' ? 'requests' : 'lines'
      waiting[sink] += line
      if (loud || waiting[sink].length > MOST_WAITING) flush()
    },
    close() {
      clearInterval(timer)
      flush()
    },
  }
}

/** Of a block that follows `before`. */
export const sealOf = (key: string, before: string, block: string): string =>
  createHmac('sha256', key).update(before).update('\n').update(block).digest('base64url')

interface LogFile {
  name: string
  sink: SinkName
  /** The last instant at which a line can have been written, in milliseconds. */
  until: number
}

/** The log files in `folder`, of all processes. */
export const filesIn = (folder: string): LogFile[] =>
  readdirSync(folder).flatMap((name) => {
    const [, day, sink] = NAME.exec(name) ?? []
    return day ? [{ name, sink: sink as SinkName, until: Date.parse(day) + DAY }] : []
  })
