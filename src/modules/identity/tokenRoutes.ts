import type { FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { ApiTokens } from './apiTokens.ts'
import { tooHigh } from './peopleRoutes.ts'
import { matchesAny, OWN, rolesOf } from './permissions.ts'
import type { Realm } from './realm.ts'
import { callerOf, nothing } from './routes.ts'

/** What the routes about API tokens need. */
export interface TokenRouteParts {
  kind: 'members' | 'operators'
  apiTokens: ApiTokens
  realmOf(request: FastifyRequest): Realm
}

export const DAY = 86_400_000
const Permission = z.string().regex(/^([a-z-]{1,30}|\*)\.([a-z-]{1,30}|\*)$/)
const byId = z.object({ id: z.uuid() })
export const TokenAnswer = z.object({
  id: z.uuid(),
  name: z.string(),
  permissions: z.array(z.string()),
  expiresAt: z.string(),
  lastUsedAt: z.string().nullable(),
})

/** What a token is asked for with. */
export const TokenRequest = z.object({
  name: z.string().min(1).max(100),
  permissions: z.array(Permission).min(1).max(50),
  days: z.number().int().min(1).max(365),
})

/** Everyone's own API tokens. */
export function tokenRoutes({ kind, apiTokens, realmOf }: TokenRouteParts): FastifyPluginAsyncZod {
  const tags = ['api tokens']
  return async (app) => {
    app.get(
      '/api/v1/auth/tokens',
      {
        config: { permission: OWN },
        schema: { tags, summary: "One's API tokens", response: { 200: z.array(TokenAnswer) } },
      },
      async (request) => apiTokens.list(realmOf(request), callerOf(request).person.id),
    )
    app.post(
      '/api/v1/auth/tokens',
      {
        config: { permission: OWN, recent: true },
        schema: {
          tags,
          summary: 'Make an API token; it is shown this once',
          body: TokenRequest,
          response: { 201: z.object({ id: z.uuid(), token: z.string() }) },
        },
      },
      async (request, reply) => {
        const { name, permissions, days } = request.body
        const { person } = callerOf(request)
        admitPermissions(kind, person.role, permissions)
        const about = { name, permissions, life: days * DAY }
        return reply.code(201).send(await apiTokens.issue(realmOf(request), person.id, about))
      },
    )
    app.delete(
      '/api/v1/auth/tokens/:id',
      {
        config: { permission: OWN },
        schema: { tags, summary: 'Revoke an API token', params: byId, response: nothing },
      },
      async (request, reply) => {
        await apiTokens.revoke(realmOf(request), callerOf(request).person.id, request.params.id)
        return reply.code(204).send(null)
      },
    )
  }
}

/** Throws a Problem `role-too-high` (403) when `role` does not have all of `permissions`. */
export function admitPermissions(
  kind: TokenRouteParts['kind'],
  role: string,
  permissions: readonly string[],
): void {
  const own = rolesOf(kind)[role] ?? []
  const beyond = permissions.filter((permission) => !matchesAny(own, permission))
  if (beyond.length > 0) throw tooHigh(`A ${role} does not have ${beyond.join(', ')}.`)
}
