import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { defineProblem } from '../../kernel/problems.ts'

/** The page's script reads this cookie and sends its value back in the header; another origin can do neither. */
export const CSRF_COOKIE = '__Host-surety-csrf'
export const CSRF_HEADER = 'x-csrf-token'

const crossOrigin = defineProblem({
  code: 'cross-origin',
  status: 403,
  title: 'Another site may not ask for this',
})
const noToken = defineProblem({ code: 'csrf-token', status: 403, title: 'The form is too old' })

/** Methods that change nothing (RFC 9110 §9.2.1). */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Decides whether a request was meant by the person whose browser sends it. A test may replace its functions. */
export interface Csrf {
  /** The token of one session. */
  tokenOf(session: string): string
  /** Throws a Problem `cross-origin` (403) when a browser says that another origin made it change something. */
  judgeOrigin(request: Asked): void
  /** Throws a Problem `csrf-token` (403) when cookie and header do not both carry the session's token. */
  judgeToken(request: Asked, session: string, cookie: string | undefined): void
}

interface Asked {
  method: string
  /** `https://host:port`, as it stands in the request. */
  origin: string
  headers: IncomingHttpHeaders
}

/** Signed double submit (OWASP), bound to the session, after the browser's own word on where the request comes from. */
export function openCsrf(secret: string): Csrf {
  const tokenOf = (session: string) =>
    createHmac('sha256', secret).update(`csrf|${session}`).digest('base64url')
  return {
    tokenOf,
    judgeOrigin({ method, origin, headers }) {
      if (SAFE.has(method)) return
      const site = headers['sec-fetch-site']
      // Fetch Metadata §2.3; `none` is the person's own doing, such as a request that the address bar makes.
      if (site !== undefined && site !== 'same-origin' && site !== 'none')
        throw crossOrigin('Use the pages of this host.')
      if (headers.origin !== undefined && headers.origin !== origin)
        throw crossOrigin('Use the pages of this host.')
    },
    judgeToken({ method, headers }, session, cookie) {
      if (SAFE.has(method)) return
      const expected = tokenOf(session)
      if (!same(headers[CSRF_HEADER], expected) || !same(cookie, expected))
        throw noToken(`Load the page again; a script sends the cookie ${CSRF_COOKIE} as ${CSRF_HEADER}.`)
    },
  }
}

function same(given: unknown, expected: string): boolean {
  if (typeof given !== 'string') return false
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}
