import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'

/** What an issuer may get wrong in an ID token; each names the claim or header that it changes. */
export interface Fault {
  aud?: string
  iss?: string
  nonce?: string
  /** Seconds from now. */
  exp?: number
  /** When it says that the person signed in, seconds from now; null for not saying it. */
  authTime?: number | null
  amr?: string[]
  foreignKey?: boolean
  unsigned?: boolean
}

/** An OpenID provider of a probe's own, which signs in whoever comes and does wrong as told. */
export interface HostileIssuer {
  url: string
  /** Answers an authorization request: the address that the browser comes back to. */
  authorize(request: string, fault: Fault): URL
  close(): Promise<void>
}

export const CLIENT = 'probe-client'

/** Opens it on this machine. `now` in seconds; it describes itself as `named` instead of by its address. */
export async function openHostileIssuer(now: () => number, named?: string): Promise<HostileIssuer> {
  const [real, foreign] = await Promise.all([generateKeyPair('ES256'), generateKeyPair('ES256')])
  const jwk = { ...(await exportJWK(real.publicKey)), kid: 'k', alg: 'ES256', use: 'sig' }
  const codes = new Map<string, { challenge: string; nonce: string; fault: Fault }>()
  let url = ''
  const idToken = async ({ nonce, fault }: { nonce: string; fault: Fault }): Promise<string> => {
    const { authTime = 0, amr } = fault
    const claims = {
      nonce: fault.nonce ?? nonce,
      email: 'probe@canary.invalid',
      email_verified: true,
      ...(authTime === null ? {} : { auth_time: now() + authTime }),
      ...(amr ? { amr } : {}),
    }
    const made = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256', kid: 'k' })
      .setSubject('subject')
      .setIssuer(fault.iss ?? url)
      .setAudience(fault.aud ?? CLIENT)
      .setIssuedAt(now())
      .setExpirationTime(now() + (fault.exp ?? 300))
      .sign(fault.foreignKey ? foreign.privateKey : real.privateKey)
    if (!fault.unsigned) return made
    const header = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url')
    return `${header}.${made.split('.')[1]}.`
  }
  const token = async (request: IncomingMessage): Promise<[number, unknown]> => {
    const form = new URLSearchParams(await text(request))
    const code = form.get('code') ?? ''
    const known = codes.get(code)
    codes.delete(code) // a code is good once
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url')
    if (!known || known.challenge !== challenge) return [400, { error: 'invalid_grant' }]
    return [200, { access_token: 'a', token_type: 'Bearer', id_token: await idToken(known) }]
  }
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [status, body] =
      request.url === '/token'
        ? await token(request)
        : [200, request.url === '/jwks' ? { keys: [jwk] } : { ...describe(url), issuer: named ?? url }]
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    authorize(asked, fault) {
      const { searchParams } = new URL(asked)
      const get = (name: string) => searchParams.get(name) ?? ''
      const code = createHash('sha256').update(asked).digest('base64url')
      codes.set(code, { challenge: get('code_challenge'), nonce: get('nonce'), fault })
      const back = new URL(get('redirect_uri'))
      back.search = new URLSearchParams({ code, state: get('state'), iss: url }).toString()
      return back
    },
    close: () =>
      new Promise<void>((closed) => {
        server.close(() => closed())
        server.closeAllConnections()
      }),
  }
}

function describe(url: string): Record<string, unknown> {
  return {
    issuer: url,
    authorization_endpoint: `${url}/authorize`,
    token_endpoint: `${url}/token`,
    jwks_uri: `${url}/jwks`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
    authorization_response_iss_parameter_supported: true,
  }
}
