import { type Attributes, ROOT_CONTEXT, type SpanContext, SpanKind, trace } from '@opentelemetry/api'
import { parseTraceParent } from '@opentelemetry/core'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  type SpanExporter,
  type SpanProcessor,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import { newId } from '../../kernel/ids.ts'
import { type SpanStart, type Tracing, untraced } from '../../kernel/trace.ts'
import { openSpan } from './span.ts'
import { openExporter, type TraceSender } from './traceExporter.ts'

/** Why spans did not arrive, or that they did. */
export type SpanFate = 'sent' | 'queue-full' | 'not-taken' | 'rejected'

export interface TracePipeOptions {
  /** Kind of process, and the build that runs. */
  process: string
  build: string
  /** Of the traces that begin here, 0 to 1. */
  share: number
  /** The first look, by name, at what is told of a span. */
  cleanse(attributes: Attributes): Attributes
  /** The second, at the text that goes out. */
  scrub(text: string): string
  send: TraceSender
  count(fate: SpanFate, spans: number): void
}

/** Spans on their way to a collector. */
export interface TracePipe {
  begin: Tracing['begin']
  /** Sends what ended. Never rejects. */
  flush(): Promise<void>
  /** Sends what ended, for `patience` ms at most; what ends later is dropped. Never rejects. */
  close(patience: number): Promise<void>
}

/** Spans that wait or are being sent at most; more are dropped and counted: a collector that is away costs no memory. */
const MOST_WAITING = 2_048
/** Spans that go out together. Writing more of them at once would hold up requests for milliseconds. */
const BATCH = 128
/** Milliseconds that a span may wait for others. */
const WAIT = 5_000
const LIMITS = { attributeCountLimit: 32, attributeValueLengthLimit: 500 }

const KINDS: Record<SpanStart['kind'], SpanKind> = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  consumer: SpanKind.CONSUMER,
  internal: SpanKind.INTERNAL,
}

/** Opens a way for spans by OpenTelemetry's SDK, of which nothing is registered globally. */
export function openTracePipe(options: TracePipeOptions): TracePipe {
  const ending = new AbortController()
  const exporter = openExporter(options, ending.signal)
  const bounded = boundedBatches(exporter, options.count)
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      'service.namespace': 'surety',
      'service.name': `surety-${options.process}`,
      'service.version': options.build,
      'service.instance.id': newId(),
    }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(options.share) }),
    spanLimits: LIMITS,
    spanProcessors: [bounded],
  })
  const tracer = provider.getTracer('surety', options.build)
  return {
    begin(start, under) {
      const parent = start.parent === undefined ? under : remote(start.parent)
      const context = parent ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT
      const attributes = options.cleanse(start.attributes ?? {})
      return openSpan(
        tracer.startSpan(start.name, { kind: KINDS[start.kind], attributes }, context),
        options.cleanse,
      )
    },
    flush: () => bounded.forceFlush().catch(() => undefined),
    async close(patience) {
      const late = setTimeout(() => ending.abort(), patience)
      await provider.shutdown().catch(() => undefined)
      clearTimeout(late)
      ending.abort()
    },
  }
}

/** W3C Trace Context; what does not fit it is not gone on from. */
function remote(traceparent: string | null): SpanContext | undefined {
  const parsed = traceparent === null ? null : parseTraceParent(traceparent)
  return parsed ? { ...parsed, isRemote: true } : undefined
}

/** The SDK's batches, with a bound that counts what it drops; the SDK's own only drops. */
function boundedBatches(exporter: SpanExporter, count: TracePipeOptions['count']): SpanProcessor {
  let waiting = 0
  let closed = false
  const batches = new BatchSpanProcessor({
    exporter: {
      export: (spans, done) =>
        exporter.export(spans, (result) => {
          waiting -= spans.length
          done(result)
        }),
      shutdown: () => exporter.shutdown(),
    },
    maxQueueSize: MOST_WAITING,
    maxExportBatchSize: BATCH,
    scheduledDelayMillis: WAIT,
  })
  return {
    onStart: () => undefined,
    onEnd(span) {
      if (closed || waiting >= MOST_WAITING) return count('queue-full', 1)
      waiting += 1
      // A timer or a connection that begins here is nobody's in particular.
      untraced(() => batches.onEnd(span))
    },
    forceFlush: () => batches.forceFlush(),
    shutdown() {
      closed = true
      return batches.shutdown()
    },
  }
}
