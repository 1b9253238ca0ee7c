import type { FastifyPluginAsync } from 'fastify'
import type { KeyRing } from './keyRing.ts'

/** Publishes the public halves of the keys that sign access tokens (RFC 7517). */
export function jwksRoutes(ring: KeyRing): FastifyPluginAsync {
  return async (app) => {
    app.get(
      '/.well-known/jwks.json',
      { config: { public: true }, schema: { hide: true } },
      async (_request, reply) =>
        reply
          .type('application/jwk-set+json')
          .header('cache-control', 'public, max-age=10')
          .send(JSON.stringify({ keys: ring.accepted().map(({ publicJwk }) => publicJwk) })),
    )
  }
}
