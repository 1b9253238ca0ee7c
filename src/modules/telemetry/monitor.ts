import pino from 'pino'
import type { Clock } from '../../kernel/clock.ts'
import type { LogSink } from '../../kernel/log.ts'
import type { News } from './alerts.ts'

/** A finished line, read back. */
export type Entry = Record<string, unknown>

/** What reads every line. A test may replace a part. */
export interface Monitor {
  /** The news in a line; null: it needs nobody. */
  newsIn(entry: Entry): News | null
}

/** Milliseconds in which the same news is raised once: a flood of lines must not become a flood of statements. */
const ONCE_IN = 10_000
const ERROR = pino.levels.values.error as number

/** An alarm is news of its own name, an error of its module's. Lines of probes at canaries say so. */
export const newsIn = (entry: Entry): News | null => {
  const { level, alarm, module = 'platform', canary, pid, hostname, time, ...details } = entry
  const name = alarm ?? (Number(level) >= ERROR ? `error:${module}` : undefined)
  if (name === undefined) return null
  return { name: String(name), details: { module, ...details }, canary: canary === true, lasting: false }
}

/** A sink that gives the news in loud lines to `raise`, and lines that tell of an error to `report`. */
export function monitorSink(
  { monitor, clock }: { monitor: Monitor; clock: Clock },
  { raise, report }: { raise(news: News): void; report(entry: Entry): void },
): LogSink {
  const raised = new Map<string, number>()
  return {
    write(line, level) {
      if (level < (pino.levels.values.warn as number)) return
      const entry = JSON.parse(line) as Entry
      // What goes wrong while telling is not told in the same way.
      if (entry.module === 'telemetry') return
      if (entry.err) report(entry)
      const news = monitor.newsIn(entry)
      const now = clock.now().getTime()
      if (!news || now - (raised.get(news.name) ?? 0) < ONCE_IN) return
      if (raised.size > 1_000) raised.clear()
      raised.set(news.name, now)
      raise(news)
    },
  }
}
