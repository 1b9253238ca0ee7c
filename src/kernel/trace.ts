import { AsyncLocalStorage } from 'node:async_hooks'
import type { IncomingMessage } from 'node:http'
import type { Attributes, SpanContext } from '@opentelemetry/api'

/** How a span begins. */
export interface SpanStart {
  /** One of few: a route, a statement, a kind of job. Never a value. */
  name: string
  kind: 'server' | 'client' | 'consumer' | 'internal'
  /** By OpenTelemetry's semantic conventions, else `surety.…`; never a person, an address, a path, SQL or a body. */
  attributes?: Attributes
  /** The `traceparent` it goes on from; null: it begins a trace. Without it, it belongs to what is under way. */
  parent?: string | null
}

/** Something under way that is timed. */
export interface Span {
  context: SpanContext
  rename(name: string): void
  set(attributes: Attributes): void
  /** It did not succeed. Of an error only its kind is told, never its message. */
  fail(why: unknown): void
  end(): void
}

/** What makes spans: the module telemetry, when the settings name a collector. */
export interface Tracing {
  begin(start: SpanStart, under: SpanContext | undefined): Span
  /** Whether what `address` says of traces is believed. */
  believes(address: string | undefined): boolean
  /** Whether `host` is told which trace a call belongs to. */
  tells(host: string): boolean
}

let tracing: Tracing | undefined
const active = new AsyncLocalStorage<Span | 'untraced'>()

/** From now on `made` makes the spans of this process. Returns what ends that. */
export function traceWith(made: Tracing): () => void {
  tracing = made
  return () => {
    if (tracing === made) tracing = undefined
  }
}

/** Whether spans are made at all. */
export const isTracing = (): boolean => tracing !== undefined

/** Runs `work` in a span. Without tracing it is only `work()`. */
export function traced<T>(start: () => SpanStart, work: (span?: Span) => Promise<T>): Promise<T> {
  return tracing && active.getStore() !== 'untraced' ? inSpan(begin(tracing, start()), work) : work()
}

async function inSpan<T>(span: Span, work: (span: Span) => Promise<T>): Promise<T> {
  try {
    return await active.run(span, work, span)
  } catch (error) {
    span.fail(error)
    throw error
  } finally {
    span.end()
  }
}

/** A span that its caller ends; undefined without tracing. */
export const beginSpan = (start: SpanStart): Span | undefined => tracing && begin(tracing, start)

/** Runs `work` as part of `span`, which goes on. */
export const within = <T>(span: Span, work: () => T): T => active.run(span, work)

/** Runs `work` outside every trace: what tells of spans must not make spans. */
export const untraced = <T>(work: () => T): T => active.run('untraced', work)

const begin = (made: Tracing, start: SpanStart): Span => made.begin(start, current()?.context)

function current(): Span | undefined {
  const span = tracing && active.getStore()
  return typeof span === 'object' ? span : undefined
}

/** The trace of what is under way. */
export const traceId = (): string | undefined => current()?.context.traceId

/** What is under way, for those who go on with it (W3C Trace Context §3.2). */
export function traceparent(): string | undefined {
  const span = current()
  if (!span) return undefined
  const { traceId, spanId, traceFlags } = span.context
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`
}

/** `traceparent()` where `host` is to know it. */
export const traceparentTo = (host: string): string | undefined =>
  tracing?.tells(host) ? traceparent() : undefined

/** What a request says it goes on from, where its sender is believed: anybody else could join traces and force them. */
export function parentOf({ socket, headers }: IncomingMessage): string | null {
  const { traceparent } = headers
  return typeof traceparent === 'string' && tracing?.believes(socket.remoteAddress) ? traceparent : null
}
