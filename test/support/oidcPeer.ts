import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Provider } from 'oidc-provider'

/** The certified OpenID provider of its name, on this machine. */
export interface OidcPeer {
  url: string
  /** Begins to answer, for a client `surety` whose people come back to `redirectUri`. */
  answer(redirectUri: string): void
  close(): void
}

/** Signs in whoever is named, as `<name>@example.org`; it checked all addresses except that of `unverified`. */
export async function openOidcPeer(): Promise<OidcPeer> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    answer: (redirectUri) => void server.on('request', openProvider(url, redirectUri).callback()),
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

function openProvider(url: string, redirectUri: string): Provider {
  return new Provider(url, {
    clients: [
      {
        client_id: 'surety',
        token_endpoint_auth_method: 'none',
        redirect_uris: [redirectUri],
        response_types: ['code'],
        grant_types: ['authorization_code'],
      },
    ],
    claims: { openid: ['sub'], email: ['email', 'email_verified'] },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    features: { devInteractions: { enabled: true } },
    findAccount: (_context, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@example.org`, email_verified: id !== 'unverified' }),
    }),
    ttl: { Interaction: 600, Session: 600, Grant: 600, AccessToken: 600, IdToken: 600 },
  })
}
