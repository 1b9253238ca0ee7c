import pino from 'pino'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Database } from '../../data/index.ts'
import type { LogSink } from '../../kernel/log.ts'

/** What a process tells Prometheus. Labels name routes and levels, never people or tenants. */
export interface Metrics extends LogSink {
  /** One answered request. `seconds` it took. */
  observe(request: { audience: string; method: string; route: string; status: number; seconds: number }): void
  /** What became of spans on their way to the collector. */
  spans(fate: string, count: number): void
  /** In Prometheus' text format. */
  text(): Promise<string>
  contentType: string
}

export function openMetrics(control: Database): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const requests = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Answered requests',
    labelNames: ['audience', 'method', 'route', 'status'],
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10],
    registers,
  })
  const lines = new Counter({
    name: 'surety_log_lines_total',
    help: 'Lines logged by this process',
    labelNames: ['level'],
    registers,
  })
  const spans = new Counter({
    name: 'surety_trace_spans_total',
    help: 'Spans of this process by what became of them: sent, queue-full, not-taken, rejected',
    labelNames: ['fate'],
    registers,
  })
  new Gauge({
    name: 'surety_open_alerts',
    help: 'Alerts of the deployment that are open',
    registers,
    async collect() {
      const asked =
        'SELECT count(*)::int AS open FROM telemetry.alert WHERE cleared_at IS NULL AND NOT canary'
      const [row] = await control.query<{ open: number }>(asked)
      this.set(row?.open ?? 0)
    },
  })
  return {
    contentType: registry.contentType,
    observe: ({ seconds, ...labels }) => requests.observe(labels, seconds),
    spans: (fate, count) => spans.inc({ fate }, count),
    write: (_line, level) => lines.inc({ level: pino.levels.labels[level] ?? String(level) }),
    text: () => registry.metrics(),
  }
}
