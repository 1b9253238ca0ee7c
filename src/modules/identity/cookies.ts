import type { CookieSerializeOptions } from '@fastify/cookie'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Tokens } from './sessions.ts'

// `__Host-`: the browser takes them over TLS only, for exactly this host (RFC 6265bis §4.1.3.2).
const ACCESS = '__Host-surety-access'
const REFRESH = '__Host-surety-refresh'

const STRICT: CookieSerializeOptions = { path: '/', secure: true, httpOnly: true, sameSite: 'strict' }

/** Hands the tokens to the browser, out of reach of scripts. `refreshFor` in ms. */
export function setTokens(reply: FastifyReply, tokens: Tokens, refreshFor: number): void {
  reply.header('cache-control', 'no-store')
  const options = { ...STRICT, maxAge: Math.floor(refreshFor / 1000) }
  reply.setCookie(ACCESS, tokens.access, options)
  reply.setCookie(REFRESH, tokens.refresh, options)
}

/** Takes them back. */
export function clearTokens(reply: FastifyReply): void {
  for (const name of [ACCESS, REFRESH]) reply.setCookie(name, '', { ...STRICT, maxAge: 0 })
}

/** The refresh token that the browser holds. */
export function refreshTokenOf(request: FastifyRequest): string {
  return request.cookies[REFRESH] ?? ''
}

/** The credential of a request: a bearer token (RFC 6750) before the cookie. */
export function credentialOf(request: FastifyRequest): string | undefined {
  const bearer = /^Bearer ([\x21-\x7e]{1,4096})$/i.exec(request.headers.authorization ?? '')
  return request.headers.authorization === undefined ? request.cookies[ACCESS] : bearer?.[1]
}
