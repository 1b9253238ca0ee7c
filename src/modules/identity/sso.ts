import * as oidc from 'openid-client'
import { z } from 'zod'
import { readSecret } from '../../data/secrets.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Contradiction } from '../../kernel/module.ts'
import { defineProblem } from '../../kernel/problems.ts'
import { type EgressSettings, isRegistered } from '../egress/index.ts'
import { seal, unseal } from './seal.ts'

const unknownProvider = defineProblem({ code: 'sso-unknown', status: 404, title: 'No such sign-in provider' })
const unavailable = defineProblem({
  code: 'sso-unavailable',
  status: 502,
  title: 'The sign-in provider cannot be asked',
})
const refused = defineProblem({ code: 'sso-refused', status: 401, title: 'The sign-in was not accepted' })

/** An OpenID provider as the settings name it. */
export const ssoProvider = z.object({
  /** Part of its addresses here: `google`. */
  name: z.string().regex(/^[a-z][a-z0-9-]{0,30}$/),
  /** For Microsoft the tenant's own issuer, never `common`. */
  issuer: z.url(),
  clientId: z.string().min(1),
  clientSecretFileName: z.string().optional(),
  /**
   * What the provider says (`amr` or `acr` of the ID token) of somebody who showed it two factors, such as `mfa`. Without,
   * its sign-in counts as one factor, whatever it says.
   */
  twoFactors: z.array(z.string().min(1)).optional(),
})

export type SsoProvider = z.output<typeof ssoProvider>

/** Somebody as another issuer knows them. */
export interface Federated {
  issuer: string
  subject: string
  /** Only when the issuer says that it checked the address. */
  verifiedEmail: string | null
  /** What the sign-in there counts for here. */
  factors: string[]
  /** When the person showed them there (Unix ms), as far as the issuer says so. */
  authenticatedAt: number | null
}

/** Why somebody goes to an issuer, and what is to happen when they are back. */
interface Errand {
  /** They are to show there who they are, however lately they did. */
  again: boolean
  /** The session that the browser has meanwhile; it brings it along on the way out, not on the way back. */
  session: string | null
  /** Where they go on, below `/office`. */
  next: string
}

/** Somebody who came back. */
export interface Arrival extends Pick<Errand, 'session' | 'next'> {
  who: Federated
}

/** Signing in at another issuer: OpenID Connect, authorization code with PKCE. */
export interface Sso {
  providers: readonly SsoProvider[]
  /**
   * Where to send the browser, and what it must bring back: sealed, good for ten minutes, for this realm alone. Throws
   * Problems `sso-unknown` (404) and `sso-unavailable` (502).
   */
  begin(
    realm: string,
    provider: string,
    redirectUri: string,
    errand?: Errand,
  ): Promise<{ url: string; transaction: string }>
  /**
   * Who came back. Throws a Problem `sso-refused` (401) when anything does not fit what was begun: also when they showed
   * themselves to the issuer longer ago than a session lives, or not again when they were to.
   */
  finish(realm: string, provider: string, returned: URL, transaction: string): Promise<Arrival>
  /** The same rules with other providers. */
  among(providers: readonly SsoProvider[]): Sso
}

/** Milliseconds from leaving to coming back. */
const TRANSACTION_LIFE = 600_000

const Transaction = z.object({
  verifier: z.string(),
  state: z.string(),
  nonce: z.string(),
  redirectUri: z.string(),
  until: z.number(),
  again: z.boolean(),
  session: z.string().nullable(),
  next: z.string(),
})

/** Seconds that an issuer's clock may differ from ours. */
const TOLERANCE = 60

const PLAIN: Errand = { again: false, session: null, next: '/' }

/** How providers are asked: other people's servers, so by the way out. */
type Ask = oidc.CustomFetch

interface Parts {
  /** Seals what a browser keeps meanwhile. */
  key: Uint8Array
  clock: Clock
  ask: Ask
  /** Milliseconds that a sign-in is good for. */
  sessionLife: number
}

/** Opens sign-in at `providers`. */
export function openSso(providers: readonly SsoProvider[], parts: Parts): Sso {
  const { key, clock, ask, sessionLife } = parts
  const opened = new Map<string, Promise<oidc.Configuration>>()
  const find = (name: string) => {
    const provider = providers.find((one) => one.name === name)
    if (!provider) throw unknownProvider(`There is no provider "${name}" here.`)
    const known = opened.get(name) ?? discover(provider, ask)
    opened.set(name, known)
    known.catch(() => opened.delete(name)) // asked again next time
    return known
  }
  const bound = (realm: string, provider: string) => `sso ${realm} ${provider}`
  return {
    providers,
    among: (others) => openSso(others, parts),
    async begin(realm, provider, redirectUri, errand = PLAIN) {
      const configuration = await find(provider)
      const verifier = oidc.randomPKCECodeVerifier()
      const [state, nonce] = [oidc.randomState(), oidc.randomNonce()]
      const url = oidc.buildAuthorizationUrl(configuration, {
        redirect_uri: redirectUri,
        scope: 'openid email',
        code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        state,
        nonce,
        // With it the issuer must say when the person signed in there (OpenID Connect Core §3.1.2.1).
        ...(errand.again
          ? { max_age: '0', prompt: 'login' }
          : { max_age: String(Math.floor(sessionLife / 1000)) }),
      })
      const until = clock.now().getTime() + TRANSACTION_LIFE
      const kept = Buffer.from(JSON.stringify({ verifier, state, nonce, redirectUri, until, ...errand }))
      return { url: url.href, transaction: seal(kept, key, bound(realm, provider)).toString('base64url') }
    },
    async finish(realm, provider, returned, transaction) {
      const configuration = await find(provider)
      const begun = readTransaction(transaction, key, bound(realm, provider), clock.now())
      if (!begun) throw refused('It was not begun in this browser, or too long ago. Begin again.')
      const here = new URL(begun.redirectUri)
      here.search = returned.search
      const tokens = await oidc
        .authorizationCodeGrant(configuration, here, {
          pkceCodeVerifier: begun.verifier,
          expectedState: begun.state,
          expectedNonce: begun.nonce,
          idTokenExpected: true,
        })
        .catch((error: unknown) => {
          throw refused('The answer of the provider does not fit. Begin again.', { cause: error })
        })
      const claims = tokens.claims() as oidc.IDToken
      const at = claims.auth_time === undefined ? null : claims.auth_time * 1000
      const since = begun.again
        ? begun.until - TRANSACTION_LIFE - TOLERANCE * 1000
        : clock.now().getTime() - sessionLife
      // An issuer that does not say when is believed that it was now, unless just that was the question.
      if (at === null ? begun.again : at < since)
        throw refused(
          'The provider did not ask who you are, or too long ago. Sign out there and begin again.',
        )
      const { twoFactors } = providers.find(({ name }) => name === provider) ?? {}
      return { who: personIn(claims, at, twoFactors), session: begun.session, next: begun.next }
    },
  }
}

function personIn(claims: oidc.IDToken, at: number | null, twoFactors: readonly string[] = []): Federated {
  const said = [claims.amr ?? [], claims.acr ?? []].flat()
  return {
    issuer: claims.iss,
    subject: claims.sub,
    verifiedEmail: claims.email_verified === true ? String(claims.email ?? '').toLowerCase() || null : null,
    factors: said.some((one) => twoFactors.includes(String(one))) ? ['sso', 'mfa'] : ['sso'],
    authenticatedAt: at,
  }
}

/** Plain HTTP only on this machine, where nobody listens in between, and no way leads out. */
const isLocal = (issuer: string): boolean =>
  ['127.0.0.1', '[::1]', 'localhost'].includes(new URL(issuer).hostname)

/** Providers that the way out does not lead to. Their tokens and keys may come from other hosts, which it must lead to as well. */
export function unregistered(
  providers: readonly SsoProvider[],
  register: EgressSettings['register'],
): Contradiction[] {
  return providers.flatMap(({ issuer }) => {
    const { hostname, port } = new URL(issuer)
    if (isLocal(issuer) || isRegistered(register, hostname, Number(port || 443), 'identity')) return []
    const why = `${hostname} is not in the register for the module identity; add it.`
    return [{ settings: ['identity.sso', 'egress.register'], why }]
  })
}

/** Reads the issuer's own description (OpenID Connect Discovery §4.3); it must name itself as we know it. */
async function discover(
  { issuer, clientId, clientSecretFileName }: SsoProvider,
  ask: Ask,
): Promise<oidc.Configuration> {
  const url = new URL(issuer)
  const secret = clientSecretFileName ? readSecret(clientSecretFileName) : undefined
  const authentication = secret ? oidc.ClientSecretPost(secret) : oidc.None()
  const local = isLocal(issuer)
  return oidc
    .discovery(url, clientId, undefined, authentication, {
      timeout: 10,
      ...(local ? {} : { [oidc.customFetch]: ask }),
      // Verifies the ID token's signature as well; by default the library trusts the TLS of the token endpoint alone.
      execute: [oidc.enableNonRepudiationChecks, ...(local ? [oidc.allowInsecureRequests] : [])],
    })
    .catch((error: unknown) => {
      throw unavailable('It does not answer, or describes itself as somebody else.', { cause: error })
    })
}

function readTransaction(text: string, key: Uint8Array, name: string, now: Date) {
  try {
    const kept = JSON.parse(unseal(Buffer.from(text, 'base64url'), key, name).toString())
    const begun = Transaction.parse(kept)
    return begun.until > now.getTime() ? begun : undefined
  } catch {
    return undefined // made by somebody else, for another provider, or cut short
  }
}
