import type { SpanStart } from '../../kernel/trace.ts'
import type { Caller } from './client.ts'

/** The span of a call out, or of the connection for one; its path, query, headers and body are not told. */
export function callSpan({ module, tenant, purpose }: Caller, method: string, target: string): SpanStart {
  const at = target.lastIndexOf(':')
  const isHttp = method !== 'connect'
  return {
    name: `${method} ${purpose}`,
    kind: 'client',
    attributes: {
      'http.request.method': isHttp ? method : undefined,
      'server.address': target.slice(0, at),
      'server.port': Number(target.slice(at + 1)),
      'surety.tenant.id': tenant ?? undefined,
      'surety.egress.module': module,
      'surety.egress.purpose': purpose,
    },
  }
}
