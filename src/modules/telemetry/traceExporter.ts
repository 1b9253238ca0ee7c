import { ExportResultCode } from '@opentelemetry/core'
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer'
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace'
import { untraced } from '../../kernel/trace.ts'
import type { TracePipeOptions } from './tracing.ts'

/** Hands OTLP as JSON to a collector, and says how many of the spans it did not want. Rejects when it did not take them. */
export type TraceSender = (text: string, signal: AbortSignal) => Promise<{ rejected: number }>

/** Milliseconds that a collector may take. */
const TIMEOUT = 10_000

/** Writes spans as OTLP, takes the last look at the text and sends it. What is not taken is dropped and counted. */
export function openExporter(
  { scrub, send, count }: Pick<TracePipeOptions, 'scrub' | 'send' | 'count'>,
  ending: AbortSignal,
): SpanExporter {
  const deliver = async (spans: ReadableSpan[]) => {
    const signal = AbortSignal.any([ending, AbortSignal.timeout(TIMEOUT)])
    const { rejected } = await send(scrub(textOf(spans)), signal)
    count('rejected', rejected)
    count('sent', spans.length - rejected)
  }
  return {
    export(spans, done) {
      untraced(() => deliver(spans)).then(
        () => done({ code: ExportResultCode.SUCCESS }),
        (error: Error) => {
          count('not-taken', spans.length)
          done({ code: ExportResultCode.FAILED, error })
        },
      )
    },
    shutdown: async () => undefined,
  }
}

const textOf = (spans: ReadableSpan[]): string =>
  Buffer.from(JsonTraceSerializer.serializeRequest(spans) ?? '').toString()
