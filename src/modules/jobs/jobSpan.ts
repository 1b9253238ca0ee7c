import type { Job } from 'bullmq'
import { isId } from '../../kernel/ids.ts'
import type { SpanStart } from '../../kernel/trace.ts'
import type { Envelope } from './queues.ts'

/** The span of one attempt, which belongs to the trace of what added the job; its data is not told. */
export function jobSpan(kind: string, { id = '', data, attemptsMade }: Job<Envelope>): SpanStart {
  return {
    name: `process ${kind}`,
    kind: 'consumer',
    attributes: {
      'messaging.system': 'bullmq',
      'messaging.operation.type': 'process',
      'messaging.operation.name': 'process',
      'messaging.destination.name': kind,
      // An id of the caller's may say what the job is about.
      'messaging.message.id': isId(id) ? id : undefined,
      'surety.tenant.id': data.tenant?.id,
      'surety.job.attempt': attemptsMade + 1,
    },
    ...(data.trace ? { parent: data.trace } : {}),
  }
}
