import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer'
import type { EgressClient } from '../egress/index.ts'
import type { TraceSender } from './traceExporter.ts'

const CALLER = { module: 'telemetry', tenant: null, purpose: 'traces' }
const pack = promisify(gzip)
/** Traces repeat themselves so much that trying harder saves little. */
const FAST = { level: 1 }

/** Sends by OTLP over HTTP (opentelemetry.io/docs/specs/otlp), by the way out. */
export function sendTraces(
  egress: EgressClient,
  { url, authorization }: { url: string; authorization: string | undefined },
): TraceSender {
  return async (text, signal) => {
    const answer = await egress.fetch(CALLER, url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'content-encoding': 'gzip',
        ...(authorization ? { authorization } : {}),
      },
      body: await pack(text, FAST),
      signal,
    })
    const bytes = new Uint8Array(await answer.arrayBuffer())
    if (!answer.ok) throw new Error(`The collector of traces answered ${answer.status}.`)
    return { rejected: rejectedIn(bytes) }
  }
}

function rejectedIn(answer: Uint8Array): number {
  if (answer.length === 0) return 0
  const { partialSuccess } = JsonTraceSerializer.deserializeResponse(answer)
  return Number(partialSuccess?.rejectedSpans ?? 0)
}
