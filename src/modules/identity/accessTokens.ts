import { jwtVerify, SignJWT } from 'jose'
import type { Clock } from '../../kernel/clock.ts'
import { newId } from '../../kernel/ids.ts'
import type { KeyRing, SigningKey } from './keyRing.ts'
import { notSignedIn } from './person.ts'

/** What an access token says. It is only half of a sign-in: the session must also be alive in the database. */
export interface AccessClaims {
  /** The person. */
  sub: string
  /** The session. */
  sid: string
  /** Whoever acts in the person's name (RFC 8693 §4.1). */
  act?: { sub: string }
  /** Seconds. */
  iat: number
  exp: number
}

/** Makes and judges access tokens (RFC 9068, ES256). */
export interface AccessTokens {
  /** `life` in ms. */
  issue(realm: string, claims: Pick<AccessClaims, 'sub' | 'sid' | 'act'>, life: number): Promise<string>
  /** Throws a Problem `sign-in-refused` (401) for anything that this deployment did not issue to this realm, or that is over. */
  verify(realm: string, token: string): Promise<AccessClaims>
}

/** Seconds that two machines' clocks may differ. */
const TOLERANCE = 5

/** No token of ours is longer; nothing longer is looked at. */
const LONGEST = 2_048

/** Tokens signed by the keys of `ring`, named for `issuer`. */
export function openAccessTokens(ring: KeyRing, issuer: string, clock: Clock): AccessTokens {
  const seen = openSeen()
  const read = async (key: SigningKey, realm: string, token: string): Promise<AccessClaims> => {
    const { payload } = await jwtVerify(token, key.publicKey, {
      algorithms: ['ES256'],
      typ: 'at+jwt',
      issuer,
      audience: realm,
      currentDate: clock.now(),
      clockTolerance: TOLERANCE,
      requiredClaims: ['sub', 'sid', 'jti', 'iat', 'exp'],
    }).catch(() => {
      throw refused()
    })
    return payload as unknown as AccessClaims
  }
  return {
    issue(realm, { sub, sid, act }, life) {
      const key = ring.signer()
      const now = Math.floor(clock.now().getTime() / 1000)
      return new SignJWT({ sid, ...(act ? { act } : {}) })
        .setProtectedHeader(headerOf(key))
        .setIssuer(issuer)
        .setAudience(realm)
        .setSubject(sub)
        .setJti(newId())
        .setIssuedAt(now)
        .setExpirationTime(now + Math.floor(life / 1000))
        .sign(key.privateKey())
    },
    async verify(realm, token) {
      const [header = ''] = token.length <= LONGEST ? token.split('.', 1) : []
      // The header is not read but recognised: one that differs in any byte from what a key of ours writes is unknown,
      // so nothing in it (`alg`, `jwk`, `jku`, `x5u`, `crit`, a second `kid`) is ever interpreted.
      const key = ring.accepted().find((known) => encodedHeader(known) === header)
      if (!key) throw refused()
      const claims = seen.get(`${realm} ${token}`) ?? (await read(key, realm, token))
      const now = clock.now().getTime() / 1000
      if (claims.exp + TOLERANCE <= now || claims.iat > now + TOLERANCE) throw refused()
      seen.keep(`${realm} ${token}`, claims)
      return claims
    },
  }
}

/** Tokens whose signature was verified, by their whole text; the oldest are forgotten. */
const MOST_SEEN = 10_000

/**
 * A browser sends one token for minutes: its signature is verified once. What may change meanwhile (time, keys in force)
 * is looked at every time, and whether the session lives is asked of the database.
 */
function openSeen(): {
  get(text: string): AccessClaims | undefined
  keep(text: string, claims: AccessClaims): void
} {
  const seen = new Map<string, AccessClaims>()
  return {
    get: (text) => seen.get(text),
    keep(text, claims) {
      if (seen.has(text)) return
      if (seen.size >= MOST_SEEN) seen.delete(seen.keys().next().value as string)
      seen.set(text, claims)
    },
  }
}

const headerOf = ({ kid }: SigningKey) => ({ alg: 'ES256', kid, typ: 'at+jwt' })

function encodedHeader(key: SigningKey): string {
  return Buffer.from(JSON.stringify(headerOf(key))).toString('base64url')
}

function refused() {
  return notSignedIn('The access token is not valid here; refresh it or sign in again.')
}
