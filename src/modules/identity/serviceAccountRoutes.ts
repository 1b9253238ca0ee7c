import type { FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { mayHand } from './peopleRoutes.ts'
import { memberRoles, operatorRoles } from './permissions.ts'
import type { Realm } from './realm.ts'
import { callerOf, nothing } from './routes.ts'
import type { ServiceAccounts } from './serviceAccounts.ts'
import { admitPermissions, DAY, TokenAnswer, TokenRequest } from './tokenRoutes.ts'

/** What the routes about service accounts need. */
export interface ServiceAccountRouteParts {
  kind: 'members' | 'operators'
  serviceAccounts: ServiceAccounts
  realmOf(request: FastifyRequest): Realm
}

const tags = ['service accounts']
const State = z.enum(['active', 'disabled'])
const byId = z.object({ id: z.uuid() })
const Name = z.string().trim().min(1).max(200)

/** Managing accounts that are programs, and their tokens: for who manages people. */
export function serviceAccountRoutes(parts: ServiceAccountRouteParts): FastifyPluginAsyncZod {
  const { kind, serviceAccounts, realmOf } = parts
  const Role = z.enum(kind === 'members' ? memberRoles : operatorRoles)
  const manage = { permission: 'people.manage', recent: true }
  const mayDecide = (request: FastifyRequest) => (role: string) => mayHand(kind, request, [role])
  const by = (request: FastifyRequest) => callerOf(request).person.id
  return async (app) => {
    app.get(
      '/api/v1/service-accounts',
      {
        config: { permission: 'people.read' },
        schema: {
          tags,
          summary: 'Programs that have access, and their tokens',
          response: {
            200: z.array(
              z.object({
                id: z.uuid(),
                name: z.string(),
                role: z.string(),
                state: State,
                tokens: z.array(TokenAnswer),
              }),
            ),
          },
        },
      },
      async (request) => serviceAccounts.list(realmOf(request)),
    )
    app.post(
      '/api/v1/service-accounts',
      {
        config: manage,
        schema: {
          tags,
          summary: 'Add a program',
          body: z.object({ name: Name, role: Role }),
          response: { 201: z.object({ id: z.uuid() }) },
        },
      },
      async (request, reply) => {
        mayDecide(request)(request.body.role)
        const id = await serviceAccounts.add(realmOf(request), request.body, by(request))
        return reply.code(201).send({ id })
      },
    )
    app.patch(
      '/api/v1/service-accounts/:id',
      {
        config: manage,
        schema: {
          tags,
          summary: "Change a program's role or state; a new role and disabling end its tokens",
          params: byId,
          body: z
            .object({ role: Role.optional(), state: State.optional() })
            .refine(({ role, state }) => role !== undefined || state !== undefined, 'name what to change'),
          response: nothing,
        },
      },
      async (request, reply) => {
        const { params, body } = request
        mayHand(kind, request, [body.role])
        await serviceAccounts.change(realmOf(request), params.id, body, by(request), mayDecide(request))
        return reply.code(204).send(null)
      },
    )
    app.post(
      '/api/v1/service-accounts/:id/tokens',
      {
        config: manage,
        schema: {
          tags,
          summary: 'Make a token for a program; it is shown this once',
          params: byId,
          body: TokenRequest,
          response: { 201: z.object({ id: z.uuid(), token: z.string() }) },
        },
      },
      async (request, reply) => {
        const { name, permissions, days } = request.body
        const token = { name, permissions, life: days * DAY }
        const allowed = (role: string) => {
          mayDecide(request)(role)
          admitPermissions(kind, role, permissions)
        }
        const { id } = request.params
        const made = await serviceAccounts.issue(realmOf(request), id, token, by(request), allowed)
        return reply.code(201).header('cache-control', 'no-store').send(made)
      },
    )
    app.delete(
      '/api/v1/service-accounts/:id/tokens/:token',
      {
        config: manage,
        schema: {
          tags,
          summary: 'Revoke a token of a program',
          params: byId.extend({ token: z.uuid() }),
          response: nothing,
        },
      },
      async (request, reply) => {
        const { id, token } = request.params
        await serviceAccounts.revoke(realmOf(request), id, token, by(request), mayDecide(request))
        return reply.code(204).send(null)
      },
    )
  }
}
