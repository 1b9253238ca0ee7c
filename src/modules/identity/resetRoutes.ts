import type { FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Log } from '../../kernel/log.ts'
import type { Realm } from './realm.ts'
import type { Resets } from './resets.ts'
import { Email, nothing } from './routes.ts'

/** What the route about forgotten passwords needs. */
export interface ResetRouteParts {
  resets: Resets
  log: Log
  originOf(request: FastifyRequest): string
  realmOf(request: FastifyRequest): Realm
}

/** Asking for a link; what it opens is taken where invitations are. */
export function resetRoutes({ resets, log, originOf, realmOf }: ResetRouteParts): FastifyPluginAsyncZod {
  return async (app) => {
    app.post(
      '/api/v1/auth/forgotten-password',
      {
        config: { public: true, limit: { attempt: true } },
        schema: {
          tags: ['sign-in'],
          summary: 'Have a link mailed by which to choose a new password, if there is such an account',
          body: z.object({ email: Email }),
          response: nothing,
        },
      },
      async (request, reply) => {
        resets
          .ask(realmOf(request), request.body.email, originOf(request))
          .catch((error: unknown) => log.error({ err: error }, 'a link for a new password was not sent'))
        return reply.code(204).send(null)
      },
    )
  }
}
