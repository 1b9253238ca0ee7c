import type { FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { eventsOfImpersonation } from './events.ts'
import type { Impersonations } from './impersonations.ts'
import type { Realm } from './realm.ts'
import { callerOf, Email, EventAnswer, nothing } from './routes.ts'

const tags = ['impersonation']
const Line = z.object({
  id: z.uuid(),
  personId: z.uuid(),
  operator: z.string(),
  reason: z.string(),
  startedAt: z.string(),
  expiresAt: z.string(),
  endedAt: z.string().nullable(),
})
const Slug = z.string().regex(/^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/)
const byId = z.object({ id: z.uuid() })

/** For operators: to begin. `realmOf` finds a tenant by its slug. */
export function operatorImpersonationRoutes(
  impersonations: Impersonations,
  realmOf: (slug: string) => Promise<Realm>,
): FastifyPluginAsyncZod {
  return async (app) => {
    app.post(
      '/api/v1/impersonations',
      {
        config: { permission: 'impersonation.start', recent: true },
        schema: {
          tags,
          summary: "Act in a member's name; the tenant sees it",
          body: z.object({ tenant: Slug, email: Email, reason: z.string().trim().min(10).max(500) }),
          response: { 201: z.object({ id: z.uuid(), token: z.string(), expiresAt: z.string() }) },
        },
      },
      async (request, reply) => {
        const { tenant, email, reason } = request.body
        const { person } = callerOf(request)
        const operator = { id: person.id, email: person.email }
        const started = await impersonations.start(await realmOf(tenant), operator, { email, reason })
        return reply.code(201).header('cache-control', 'no-store').send(started)
      },
    )
  }
}

/** For the tenant: to see who acted in whose name, what they did, and to end it. */
export function tenantImpersonationRoutes(
  impersonations: Impersonations,
  realmOf: (request: FastifyRequest) => Realm,
): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/api/v1/impersonations',
      {
        config: { permission: 'security.read' },
        schema: {
          tags,
          summary: 'Operators who acted in the name of members',
          response: { 200: z.array(Line) },
        },
      },
      async (request) => impersonations.list(realmOf(request)),
    )
    app.get(
      '/api/v1/impersonations/:id/events',
      {
        config: { permission: 'security.read' },
        schema: {
          tags,
          summary: 'What was done in it',
          params: byId,
          response: { 200: z.array(EventAnswer) },
        },
      },
      async (request) =>
        realmOf(request).transaction((run) => eventsOfImpersonation(run, request.params.id, 500)),
    )
    app.post(
      '/api/v1/impersonations/:id/end',
      {
        config: { permission: 'security.manage' },
        schema: { tags, summary: 'End it now', params: byId, response: nothing },
      },
      async (request, reply) => {
        await impersonations.end(realmOf(request), request.params.id)
        return reply.code(204).send(null)
      },
    )
  }
}
