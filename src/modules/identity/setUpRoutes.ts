import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { Email, nothing, Secret } from './routes.ts'
import type { SetUp } from './setUp.ts'

/** What the routes about the set-up need. */
export interface SetUpRouteParts {
  setUp: SetUp
  /** Characters that a password needs at least. */
  passwordLength: number
}

const Token = z.string().regex(/^[0-9a-f]{64}$/)
const tags = ['set-up']

/** How the first operator comes in. */
export function setUpRoutes({ setUp, passwordLength }: SetUpRouteParts): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/api/v1/set-up',
      {
        config: { public: true },
        schema: {
          tags,
          summary: 'Whether the deployment waits for its first operator',
          response: { 200: z.object({ open: z.boolean() }) },
        },
      },
      async () => ({ open: await setUp.isOpen() }),
    )
    app.post(
      '/api/v1/set-up/link',
      {
        config: { public: true, limit: { attempt: true } },
        schema: {
          tags,
          summary: 'Whether a link sets up, and how long a password must be',
          body: z.object({ token: Token }),
          response: { 200: z.object({ passwordLength: z.number() }) },
        },
      },
      async (request) => {
        await setUp.check(request.body.token)
        return { passwordLength }
      },
    )
    app.post(
      '/api/v1/set-up',
      {
        config: { public: true, limit: { attempt: true } },
        schema: {
          tags,
          summary: 'Make the first operator; sign in with the password afterwards',
          body: z.object({
            token: Token,
            email: Email,
            name: z.string().trim().min(1).max(200),
            password: Secret,
          }),
          response: nothing,
        },
      },
      async (request, reply) => {
        const { token, ...first } = request.body
        await setUp.use(token, first)
        return reply.code(204).send(null)
      },
    )
  }
}
