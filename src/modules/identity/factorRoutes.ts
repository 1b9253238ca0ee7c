import { sql } from 'drizzle-orm'
import type { FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { OWN_PARTIAL } from './permissions.ts'
import type { Realm } from './realm.ts'
import { callerOf } from './routes.ts'

const Answer = z.object({
  totp: z.boolean(),
  passkeys: z.number(),
  recoveryCodes: z.number(),
  /** Somebody without one signs in by other means. */
  password: z.boolean(),
})

/** What a person has to show as a second factor. */
export function factorRoutes(realmOf: (request: FastifyRequest) => Realm): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/api/v1/auth/second-factors',
      {
        config: { permission: OWN_PARTIAL },
        schema: {
          tags: ['second factor'],
          summary: "One's second factors, and how many recovery codes are left",
          response: { 200: Answer },
        },
      },
      async (request) => {
        const { id } = callerOf(request).person
        const [row] = await realmOf(request).transaction((run) =>
          run<z.infer<typeof Answer>>(sql`SELECT
            EXISTS (SELECT FROM identity.totp WHERE person_id = ${id} AND confirmed_at IS NOT NULL) AS totp,
            (SELECT count(*)::int FROM identity.passkey WHERE person_id = ${id}) AS passkeys,
            (SELECT count(*)::int FROM identity.recovery_code WHERE person_id = ${id}) AS "recoveryCodes",
            (SELECT password IS NOT NULL FROM identity.person WHERE id = ${id}) AS password`),
        )
        return row as z.infer<typeof Answer>
      },
    )
  }
}
