import { guardOf, type Log, type LogGuard, nameOf } from '../../kernel/log.ts'
import { traceWith } from '../../kernel/trace.ts'
import type { EgressClient } from '../egress/index.ts'
import { withoutAddresses } from './addresses.ts'
import type { TelemetrySettings } from './settings.ts'
import type { TraceSender } from './traceExporter.ts'
import type { SpanFate, TracePipeOptions } from './tracing.ts'

interface Parts {
  settings: TelemetrySettings
  egress: EgressClient
  log: Log
  build: string
  isProxy(address: string): boolean
  count(fate: SpanFate, spans: number): void
  /** Hears what the last look found in what was about to go out. */
  leaked(found: readonly string[]): void
}

/** The traces of this process. */
export interface RunningTraces {
  /** Sends what ended. */
  flush(): Promise<void>
  stop(): Promise<void>
}

/** Milliseconds that the last spans get when the process ends: a tenth of the usual cap on shutdown. */
const LAST = 1_000

/** Makes this process's spans go to the collector that the settings name; without one, loads nothing and does nothing. */
export async function startTracing(parts: Parts): Promise<RunningTraces> {
  const { settings, log, build, isProxy } = parts
  const { tracesUrl: url, tracesAuthorization: authorization } = settings
  if (!url) return { flush: async () => undefined, stop: async () => undefined }
  const [{ openTracePipe }, { sendTraces }] = await Promise.all([
    import('./tracing.ts'),
    import('./sendTraces.ts'),
  ])
  const pipe = openTracePipe({
    process: nameOf(log),
    build,
    share: settings.tracesShare,
    ...lookedAt(guardOf(log), parts.leaked),
    send: tellingWhenAway(sendTraces(parts.egress, { url, authorization }), log),
    count: parts.count,
  })
  const untrace = traceWith({
    begin: pipe.begin,
    believes: (address) => settings.traceparentFromProxies && isProxy(address ?? ''),
    tells: (host) => settings.traceparentTo.includes(host),
  })
  return {
    flush: pipe.flush,
    async stop() {
      untrace()
      await pipe.close(LAST)
    },
  }
}

/** What is told of spans is looked at as logs are, by name and by looks; and no address leaves. */
export function lookedAt(
  guard: LogGuard,
  leaked: Parts['leaked'] = () => undefined,
): Pick<TracePipeOptions, 'cleanse' | 'scrub'> {
  return {
    cleanse: (attributes) => guard.cleanse(attributes, guard.pseudonym),
    scrub(text) {
      const { line, found } = guard.scan(withoutAddresses(text), guard.pseudonym, guard.known)
      if (found.length > 0) leaked(found)
      return line
    },
  }
}

/** One line when the collector goes away and one when it is back, not one for each batch that was dropped. */
function tellingWhenAway(send: TraceSender, log: Log): TraceSender {
  let away = false
  return async (text, signal) => {
    try {
      const taken = await send(text, signal)
      if (away) log.info({}, 'traces are taken again')
      away = false
      return taken
    } catch (error) {
      if (!away) log.warn({ err: error }, 'traces are not taken; they are dropped')
      away = true
      throw error
    }
  }
}
