import type { IncomingMessage } from 'node:http'
import { domainToASCII } from 'node:url'

/**
 * The one host a request is for: lower-case ASCII (IDNA), without port and trailing dot. Undefined when there is not
 * exactly one Host header, when it is no host name, or when an absolute request target names another (RFC 9112 §3.2).
 * Forwarded headers are never looked at.
 */
export function requestHost(request: IncomingMessage): string | undefined {
  const values = request.rawHeaders.filter(
    (_, i) => i % 2 === 1 && request.rawHeaders[i - 1]?.toLowerCase() === 'host',
  )
  if (values.length !== 1) return undefined
  const host = normaliseHost(values[0] as string)
  const { url = '' } = request
  if (url.startsWith('/') || url === '*') return host
  return URL.canParse(url) && normaliseHost(new URL(url).host) === host ? host : undefined
}

function normaliseHost(value: string): string | undefined {
  const match = /^([^\s:/?#@\\[\]]+?)\.?(?::\d{1,5})?$/.exec(value)
  const ascii = match?.[1] ? domainToASCII(match[1]) : ''
  return ascii && /[a-z]/.test(ascii) ? ascii : undefined
}
