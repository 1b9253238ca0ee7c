import { inspect } from 'node:util'
import pino, { type DestinationStream, type Logger } from 'pino'
import { cleanse, type Pseudonym, scan } from './redaction.ts'
import { traceId } from './trace.ts'

export type Log = Logger

/** Where finished lines go besides the process's own output. */
export interface LogSink {
  /** `line` is JSON with a line end and was redacted; `kind` is what the entry says of itself. */
  write(line: string, level: number, kind: string | undefined): void
}

/** What keeps secrets and addresses out of a log. A test may replace a part. */
export interface LogGuard {
  cleanse: typeof cleanse
  scan: typeof scan
  /** What an address is called in this log. */
  pseudonym: Pseudonym
  /** Secrets of this process, looked for as such. */
  known: readonly string[]
}

/** The output of a log and of all its children. */
interface Output extends DestinationStream {
  sinks: Set<LogSink>
  guard: LogGuard
}

/** Names of variables whose values are secrets. */
const SECRET_VARIABLE = /(PASS|PASSWORD|SECRET|TOKEN|KEY|DSN|DATABASE_URL|REDIS_URL)$/
/** Levels above info, which sinks want. */
const QUIETER = new Set(['warn', 'error', 'fatal'])

/** Shorter values would be found in innocent words. */
const SHORTEST = 8

/**
 * A structured log on standard output (JSON lines), or on `destination`, from `level` (a pino level name) on. What has the
 * name or the looks of a secret or of an address is replaced, at any depth; see redaction.ts. Sinks that are attached later
 * also get `info`.
 */
export function createLog(options: { name: string; level: string; destination?: DestinationStream }): Log {
  const { name, level, destination = pino.destination(1) } = options
  const shownFrom = pino.levels.values[level] ?? Number.POSITIVE_INFINITY
  const guard: LogGuard = { cleanse, scan, pseudonym: () => '[mail]', known: secretsIn(process.env) }
  const output = openOutput(destination, shownFrom, guard)
  return pino(
    {
      name,
      level: QUIETER.has(level) ? 'info' : level,
      // pino's own would go over what is told of an error once more, and leave the causes out.
      serializers: { err: (err: unknown) => err },
      formatters: {
        log: (entry) => inTrace(guard.cleanse(entry, guard.pseudonym)),
        bindings: (bindings) => guard.cleanse(bindings, guard.pseudonym),
      },
    },
    output,
  )
}

/** `entry` with the trace that it was written in. */
function inTrace<T extends object>(entry: T): T {
  const id = traceId()
  return id ? { ...entry, traceId: id } : entry
}

/** Hands finished lines of `log`, of its ancestors and children also to `sink`. Returns what ends that. */
export function attachSink(log: Log, sink: LogSink): () => void {
  const { sinks } = outputOf(log)
  sinks.add(sink)
  return () => sinks.delete(sink)
}

/** Lets an error that nobody caught end this process by way of `log`: Node would print it as it is. */
export function crashThrough(log: Log): void {
  process.on('uncaughtException', (err, origin) => {
    log.fatal({ err, origin }, 'the process ends by an error that nobody caught')
    process.exit(1)
  })
}

/** `error` for a terminal, without what a log would not hold. */
export const printable = (error: unknown): string =>
  scan(inspect(error), () => '[mail]', secretsIn(process.env)).line

/** What guards `log`, its ancestors and its children. */
export const guardOf = (log: Log): LogGuard => outputOf(log).guard

/** The name that a process gave its log. */
export const nameOf = (log: Log): string => String(log.bindings().name)

const outputOf = (log: Log): Output =>
  (log as unknown as Record<symbol, Output>)[pino.symbols.streamSym] as Output

function openOutput(destination: DestinationStream, shownFrom: number, guard: LogGuard): Output {
  const sinks = new Set<LogSink>()
  return {
    sinks,
    guard,
    // pino then leaves what it wrote beside the line.
    [Symbol.for('pino.metadata')]: true,
    write(this: { lastLevel: number; lastObj: { kind?: unknown; canary?: unknown } }, text: string) {
      const { lastLevel: level, lastObj: entry } = this
      // A probe's lines are for the sinks that it asks afterwards, not for people.
      const canary = entry?.canary === true
      if ((canary || level < shownFrom) && sinks.size === 0) return
      const { line, found } = guard.scan(text, guard.pseudonym, guard.known)
      const kind = typeof entry?.kind === 'string' ? entry.kind : undefined
      const put = (finished: string, at: number, as: string | undefined) => {
        if (at >= shownFrom && !canary) destination.write(finished)
        for (const sink of sinks) sink.write(finished, at, as)
      }
      put(line, level, kind)
      if (found.length > 0) put(leakLine(found, line), pino.levels.values.warn as number, undefined)
    },
  } as Output
}

/** Tells those who watch that code wrote what it should not have: what was found is gone, the code is still there. */
function leakLine(found: readonly string[], line: string): string {
  const { name, time, module, canary } = JSON.parse(line) as Record<string, unknown>
  const level = pino.levels.values.warn
  const msg = 'a log line held what it must not; it was replaced'
  return `${JSON.stringify({ level, time, name, module, canary, alarm: 'log-leak', found, msg })}\n`
}

function secretsIn(environment: NodeJS.ProcessEnv): string[] {
  return Object.entries(environment).flatMap(([name, value]) =>
    SECRET_VARIABLE.test(name) && value && value.length >= SHORTEST ? [value] : [],
  )
}
