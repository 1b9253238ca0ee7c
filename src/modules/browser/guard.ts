import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import { CSRF_COOKIE, type Csrf } from './csrf.ts'
import { BROWSER_HEADERS, type Nonces, policyOf } from './policy.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** What a page of ours writes as `nonce` on its own script and style elements; new for each request. */
    cspNonce: string
  }
}

/** What the guard asks. */
export interface BrowserParts {
  csrf: Csrf
  nonces: Nonces
}

/**
 * Headers of every answer, and who may make a browser change something. Runs after the guard that signs in: a session in
 * a cookie needs the token, a bearer token does not, because no browser adds one by itself.
 */
export function browserGuard({ csrf, nonces }: BrowserParts): FastifyPluginAsync {
  return async (app) => {
    app.decorateRequest('cspNonce', '')
    app.addHook('onRequest', async (request, reply) => {
      request.cspNonce = nonces.make()
      reply.headers({ ...BROWSER_HEADERS, 'content-security-policy': policyOf(request.cspNonce) })
      const { method, headers } = request
      const asked = { method, headers, origin: `https://${headers.host}` }
      csrf.judgeOrigin(asked)
      const session = sessionOf(request)
      if (session === null) return
      const cookie = request.cookies[CSRF_COOKIE]
      csrf.judgeToken(asked, session, cookie)
      const token = csrf.tokenOf(session)
      // Scripts of this host read it: not HttpOnly. `__Host-` keeps neighbours from setting it (RFC 6265bis §4.1.3.2).
      if (cookie !== token)
        reply.setCookie(CSRF_COOKIE, token, { path: '/', secure: true, sameSite: 'strict', httpOnly: false })
    })
  }
}

/** The session that a cookie of this request stands for. */
function sessionOf({ member, operator, headers }: FastifyRequest): string | null {
  if (headers.authorization !== undefined) return null
  return (member ?? operator)?.session ?? null
}
