import { hostname } from 'node:os'
import { join } from 'node:path'
import { stores } from '../../data/index.ts'
import { keepSecret } from '../../data/secrets.ts'
import { attachSink, guardOf, type LogGuard, nameOf } from '../../kernel/log.ts'
import { defineModule } from '../../kernel/module.ts'
import type { Audience } from '../../kernel/routes.ts'
import { proof } from '../../proof/index.ts'
import { edge } from '../edge/index.ts'
import { egress } from '../egress/index.ts'
import { identity } from '../identity/index.ts'
import { limits } from '../limits/index.ts'
import { mail } from '../mail/index.ts'
import { tenancy } from '../tenancy/index.ts'
import { type Alerts, type News, openAlerts } from './alerts.ts'
import { type Analytics, openAnalytics } from './analytics.ts'
import { channelsOf } from './channels.ts'
import { contradictions } from './contradictions.ts'
import { reportError } from './errorReports.ts'
import { type FilesOptions, type LogFiles, openLogFiles } from './files.ts'
import { telemetryGuard } from './guard.ts'
import { type Heads, openHeads } from './heads.ts'
import { telemetryMeasures } from './measures.ts'
import { openMetrics } from './metrics.ts'
import { type Entry, type Monitor, monitorSink, newsIn } from './monitor.ts'
import { openProcesses, type Processes } from './processes.ts'
import { openPseudonyms } from './pseudonym.ts'
import { telemetryRoutes } from './routes.ts'
import { telemetrySettings } from './settings.ts'
import { type RunningTraces, startTracing } from './startTracing.ts'
import { type Beats, openBeats } from './watch.ts'
import { keepWatch } from './watching.ts'

export type { Processes } from './processes.ts'

/** What the module is made of; a test may break a part. */
export interface TelemetryApi {
  guard: LogGuard
  files: LogFiles
  /** How files like the process's own are opened. */
  openFiles: typeof openLogFiles
  fileOptions: FilesOptions
  heads: Heads
  monitor: Monitor
  alerts: Alerts
  analytics: Analytics
  beats: Beats
  traces: RunningTraces
  /** Of a deployment that gives its signs of life under `prefix`; without one, of this. */
  processesOf(prefix?: string): Processes
}

/** Logs, metrics, traces, alerts, error reports and analytics. */
export const telemetry = defineModule({
  name: 'telemetry',
  needs: { stores, proof, edge, tenancy, egress, mail, limits, identity },
  settings: telemetrySettings,
  migrations: { control: new URL('./migrations/control/', import.meta.url) },
  contradictions,
  async start({ settings, clock, log, build }, needs) {
    const { stores, proof, egress, mail } = needs
    const { control, redis, secrets } = stores
    const name = nameOf(log)
    const guard = guardOf(log)
    const nameFor = openPseudonyms(keepSecret(secrets, 'log-pseudonyms'), settings.pseudonymsFor, clock)
    guard.pseudonym = (text) => `[mail:${nameFor(text)}]`
    const fileOptions: FilesOptions = {
      clock,
      key: keepSecret(secrets, 'log-seal'),
      keepFor: {
        requests: settings.requestsKeptFor,
        lines: settings.linesKeptFor,
        alarms: settings.alarmsKeptFor,
      },
      writer: `${name}-${process.pid}-${Date.now().toString(36)}`,
    }
    const channels = channelsOf(settings, { mail, egress })
    const metrics = openMetrics(control)
    const alerts = openAlerts({ control, clock, log }, channels)
    const parts: TelemetryApi = {
      guard,
      files: openLogFiles(join(stores.files, 'logs'), fileOptions),
      openFiles: openLogFiles,
      fileOptions,
      heads: openHeads(control),
      monitor: { newsIn },
      alerts,
      analytics: openAnalytics(control, clock, settings.pseudonymsFor),
      beats: openBeats(redis, clock, settings.prefix),
      processesOf: (prefix = settings.prefix) => openProcesses(redis, clock, prefix),
      traces: await startTracing({
        settings,
        egress,
        log,
        build,
        isProxy: needs.limits.isProxy,
        count: metrics.spans,
        leaked: (found) => void alerts.raise(traceLeak(found)),
      }),
    }
    const report = (entry: Entry) => {
      if (settings.errorsDsn)
        reportError(entry, { egress, guard, clock, build, dsn: settings.errorsDsn }).catch((error: unknown) =>
          log.warn({ err: error }, 'an error was not reported'),
        )
    }
    const monitored = monitorSink(
      { monitor: parts.monitor, clock },
      { raise: (news) => void parts.alerts.raise(news), report },
    )
    const detach = [parts.files, metrics, monitored].map((sink) => attachSink(log, sink))
    const self = { kind: name, host: hostname(), pid: process.pid, build }
    const processes = parts.processesOf()
    const watch = keepWatch({ self, processes, settings, stores, proof, clock, log, channels, ...parts })
    const audiences: Audience[] = ['trust', 'admin', 'tenant']
    return {
      api: parts,
      routes: [telemetryRoutes({ ...parts, metrics })],
      guards: audiences.map((audience) => ({
        audience,
        plugin: telemetryGuard(audience, { log, metrics, analytics: parts.analytics, pseudonym: nameFor }),
      })),
      measures: telemetryMeasures({ parts, settings, channels, log, clock, build, ...needs }),
      async stop() {
        await watch.stop()
        await parts.traces.stop()
        for (const end of detach) end()
        parts.files.close()
      },
    }
  },
})

/** A program that puts such things into spans should be mended, although they were taken out. */
const traceLeak = (found: readonly string[]): News => ({
  name: 'trace-leak',
  details: { found },
  canary: false,
  lasting: false,
})
