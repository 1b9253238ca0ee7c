import pino, { type DestinationStream, type Logger } from 'pino'

export type Log = Logger

/** Keys whose values never reach a log line, at the depths pino can see. */
const REDACTED = ['password', 'token', 'secret', 'authorization', 'cookie', 'email']

/**
 * A structured log on standard output (JSON lines), or on `destination`. `level` is a pino level name.
 */
export function createLog(options: { name: string; level: string; destination?: DestinationStream }): Log {
  const paths = REDACTED.flatMap((key) => [key, `*.${key}`, `*.*.${key}`])
  const settings = { name: options.name, level: options.level, redact: { paths, censor: '[redacted]' } }
  return options.destination ? pino(settings, options.destination) : pino(settings)
}
