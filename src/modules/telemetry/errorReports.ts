import { randomUUID } from 'node:crypto'
import type { Clock } from '../../kernel/clock.ts'
import type { LogGuard } from '../../kernel/log.ts'
import type { EgressClient } from '../egress/index.ts'
import { withoutAddresses } from './addresses.ts'
import type { Entry } from './monitor.ts'

/** What an error is told with. */
interface ReportParts {
  egress: EgressClient
  guard: LogGuard
  clock: Clock
  build: string
  dsn: string
}

/** Reports the error in a redacted line to a tracker that speaks Sentry's protocol. Rejects when it was not taken. */
export async function reportError(
  entry: Entry,
  { egress, guard, clock, build, dsn }: ReportParts,
): Promise<void> {
  const { protocol, host, username: key, pathname } = new URL(dsn)
  const sent = clock.now().toISOString()
  const caller = { module: 'telemetry', tenant: null, purpose: 'error.report' }
  const answer = await egress.fetch(caller, `${protocol}//${host}/api${pathname}/envelope/`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-sentry-envelope',
      'x-sentry-auth': `Sentry sentry_version=7, sentry_client=surety/1, sentry_key=${key}`,
    },
    // The last look is at the bytes as they go out.
    body: guard.scan(envelopeOf(entry, sent, build), guard.pseudonym, guard.known).line,
  })
  await answer.text()
  if (!answer.ok) throw new Error(`The error tracker answered ${answer.status}.`)
}

/**
 * Sentry's envelope of one event. It holds what is named here and nothing else: no request, no headers, no properties of
 * errors, no addresses.
 */
function envelopeOf(entry: Entry, sent: string, build: string): string {
  const id = randomUUID().replaceAll('-', '')
  const { module, requestId, tenantId, traceId, msg } = entry
  const event = {
    event_id: id,
    timestamp: sent,
    platform: 'node',
    level: 'error',
    release: build,
    logger: module,
    message: withoutAddresses(String(msg ?? '')),
    tags: { requestId, tenantId, traceId },
    exception: { values: chainOf(entry.err).reverse() },
  }
  const header = { event_id: id, sent_at: sent, sdk: { name: 'surety', version: '1' } }
  const payload = JSON.stringify(event)
  return `${JSON.stringify(header)}\n{"type":"event"}\n${payload}\n`
}

/** Causes that are told: more are not read by anybody. */
const MOST_CAUSES = 5

interface Told {
  type?: unknown
  message?: unknown
  stack?: unknown
  cause?: unknown
}

function chainOf(error: unknown, depth = 0): object[] {
  if (typeof error !== 'object' || error === null || depth === MOST_CAUSES) return []
  const { type, message, stack, cause } = error as Told
  const exception = {
    type: String(type ?? 'Error'),
    value: withoutAddresses(String(message ?? '')),
    stacktrace: { frames: framesOf(String(stack ?? '')) },
  }
  return [exception, ...chainOf(cause, depth + 1)]
}

const FRAME = /^\s+at (?:(.*?) \()?(?:file:\/\/)?([^()]+):(\d+):(\d+)\)?$/

/** The oldest call first. The message at the head of a stack is not taken. */
function framesOf(stack: string): object[] {
  return stack
    .split('\n')
    .flatMap((line) => {
      const [, fn, file, lineno, colno] = FRAME.exec(line) ?? []
      if (!file) return []
      const filename = file.replace(`${process.cwd()}/`, '')
      return [{ function: fn, filename, lineno: Number(lineno), colno: Number(colno) }]
    })
    .reverse()
}
