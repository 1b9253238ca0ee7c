import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import type { JWK } from 'jose'

/** What a forger knows: one good token and what is public. */
interface Known {
  token: string
  publicJwk: JWK
  publicKey: KeyObject
}

type Json = Record<string, unknown>

const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/**
 * Tokens that nobody may take, by the name of the attack: those of jwt_tool, of the JOSE CVEs and of RFC 8725. `foreign`
 * signs with a key of the forger's own; where signing properly would be needed (claims), `resign` is the forger's hand
 * on the real key, to show that claims are looked at and not only the signature.
 */
export function forgedTokens(known: Known, resign: (claims: Json) => string): [string, string][] {
  const { token, publicJwk, publicKey } = known
  const [header = '', payload = '', signature = ''] = token.split('.')
  const head = JSON.parse(Buffer.from(header, 'base64url').toString()) as Json
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Json & {
    iat: number
    exp: number
  }
  const own = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const ownJwk = own.publicKey.export({ format: 'jwk' })
  const foreign = (changed: Json, body: Json = claims) => es256(changed, body, own.privateKey)
  const pem = publicKey.export({ format: 'pem', type: 'spki' }) as string
  const hour = 3_600
  return [
    ...['none', 'None', 'NONE', 'nOnE'].map((alg): [string, string] => [
      `alg ${alg}, no signature`,
      `${encode({ ...head, alg })}.${payload}.`,
    ]),
    ['the signature left out', `${header}.${payload}.`],
    ['a signature of zeros', `${header}.${payload}.${Buffer.alloc(64).toString('base64url')}`],
    ['HS256 with the public key (PEM) as secret', hs256({ ...head, alg: 'HS256' }, claims, pem)],
    [
      'HS256 with the public key (JWK) as secret',
      hs256({ ...head, alg: 'HS256' }, claims, JSON.stringify(publicJwk)),
    ],
    ['HS256 with the name of the key as secret', hs256({ ...head, alg: 'HS256' }, claims, String(head.kid))],
    ['HS256 with an empty secret', hs256({ ...head, alg: 'HS256' }, claims, '')],
    ['RS256 named over an ES256 signature', `${encode({ ...head, alg: 'RS256' })}.${payload}.${signature}`],
    ["a forger's key under the real name", foreign(head)],
    ["a forger's key embedded (jwk)", foreign({ ...head, jwk: ownJwk })],
    ["a forger's key by address (jku)", foreign({ ...head, jku: 'https://attacker.invalid/jwks.json' })],
    ["a forger's certificate by address (x5u)", foreign({ ...head, x5u: 'https://attacker.invalid/c.pem' })],
    ["a forger's certificate embedded (x5c)", foreign({ ...head, x5c: [encode('x')] })],
    ...['../../../../dev/null', "' OR '1'='1", '__proto__', '', 'constructor'].map(
      (kid): [string, string] => [`kid ${kid || 'empty'}`, foreign({ ...head, kid })],
    ),
    ['no kid', foreign({ alg: 'ES256', typ: 'at+jwt' })],
    ['an unknown critical header', foreign({ ...head, crit: ['x'], x: 1 })],
    [
      'a header with alg twice',
      `${encode(`{"alg":"none","alg":"ES256","kid":"${head.kid}","typ":"at+jwt"}`)}.${payload}.${signature}`,
    ],
    ['an id token (typ JWT)', `${encode({ ...head, typ: 'JWT' })}.${payload}.${signature}`],
    [
      'claims changed under the old signature',
      `${header}.${encode({ ...claims, sub: claims.sid })}.${signature}`,
    ],
    [
      'a claim twice under the old signature',
      `${header}.${encode(`{"sub":"${claims.sid}",${JSON.stringify(claims).slice(1)}`)}.${signature}`,
    ],
    ['padding at the end', `${token}=`],
    ['a fourth part', `${token}.${signature}`],
    ['JSON serialisation', JSON.stringify({ protected: header, payload, signature })],
    ['8 kB of it', `${header}.${encode({ ...claims, x: 'x'.repeat(6_000) })}.${signature}`],
    ['an empty text', ''],
    ['another audience', resign({ ...claims, aud: 'tenant:somebody-else' })],
    ["the operators' audience", resign({ ...claims, aud: 'operators' })],
    ['another issuer', resign({ ...claims, iss: 'https://attacker.invalid' })],
    ['expired', resign({ ...claims, iat: claims.iat - 2 * hour, exp: claims.iat - hour })],
    ['issued in the future', resign({ ...claims, iat: claims.iat + hour, exp: claims.exp + hour })],
    ['not valid yet', resign({ ...claims, nbf: claims.iat + hour })],
    ...['exp', 'iat', 'sub', 'sid', 'aud', 'iss', 'jti'].map((name): [string, string] => [
      `no ${name}`,
      resign({ ...claims, [name]: undefined }),
    ]),
    ['an expiry that is no number', resign({ ...claims, exp: 'never' })],
    ['a session that is none', resign({ ...claims, sid: claims.sub })],
    ["another person's name on the session", resign({ ...claims, sub: claims.sid })],
  ]
}

/** A token signed ES256 by `key`, with any header and claims. */
export function es256(header: Json, claims: Json, key: KeyObject): string {
  const input = `${encode(header)}.${encode(claims)}`
  return `${input}.${sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}

function hs256(header: Json, claims: Json, secret: string): string {
  const input = `${encode(header)}.${encode(claims)}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}
