import { type Attributes, type Span as SdkSpan, SpanStatusCode } from '@opentelemetry/api'
import { Problem } from '../../kernel/problems.ts'
import type { Span } from '../../kernel/trace.ts'

/** The kernel's view of a span of the SDK; what is told of it passes `cleanse`. */
export const openSpan = (span: SdkSpan, cleanse: (attributes: Attributes) => Attributes): Span => ({
  context: span.spanContext(),
  rename: (name) => void span.updateName(name),
  set(attributes) {
    if (span.isRecording()) span.setAttributes(cleanse(attributes))
  },
  fail(why) {
    span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute('error.type', kindOf(why))
  },
  end: () => span.end(),
})

/** Of Node and its like, such as ECONNREFUSED; of Postgres, a SQLSTATE. */
const CODE = /^[A-Z0-9][A-Z0-9_]{2,40}$/

/** Messages hold values, hosts and names; the log has them, under the same trace, and nobody else does. */
function kindOf(why: unknown): string {
  if (typeof why === 'string') return why
  if (!(why instanceof Error)) return '_OTHER'
  const { code } = why as { code?: unknown }
  if (why instanceof Problem || (typeof code === 'string' && CODE.test(code))) return String(code)
  return why.name
}
