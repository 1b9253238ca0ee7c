import type { FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { defineProblem } from '../../kernel/problems.ts'
import type { ApiTokens } from './apiTokens.ts'
import type { Passwords } from './passwords.ts'
import type { People } from './people.ts'
import { covers, matchesAny, memberRoles, OWN, operatorRoles, rolesOf } from './permissions.ts'
import type { Realm } from './realm.ts'
import { callerOf, Email, nothing, PersonAnswer, Secret } from './routes.ts'

const tooHigh = defineProblem({
  code: 'role-too-high',
  status: 403,
  title: 'Nobody gives more than they have',
})

/** What the routes about people need. */
export interface PeopleRouteParts {
  kind: 'members' | 'operators'
  people: People
  passwords: Passwords
  apiTokens: ApiTokens
  realmOf(request: FastifyRequest): Realm
}

const DAY = 86_400_000
const Permission = z.string().regex(/^([a-z-]{1,30}|\*)\.([a-z-]{1,30}|\*)$/)
const byId = z.object({ id: z.uuid() })
const Described = PersonAnswer.extend({ state: z.enum(['active', 'disabled']) })
const TokenAnswer = z.object({
  id: z.uuid(),
  name: z.string(),
  permissions: z.array(z.string()),
  expiresAt: z.string(),
  lastUsedAt: z.string().nullable(),
})

/** Managing people and their roles, and everyone's own API tokens. */
export function peopleRoutes(parts: PeopleRouteParts): FastifyPluginAsyncZod {
  const { kind, people, passwords, realmOf } = parts
  const Role = z.enum(kind === 'members' ? memberRoles : operatorRoles)
  const tags = ['people']
  const mayHand = (request: FastifyRequest, roles: readonly (string | undefined)[]) => {
    const own = callerOf(request).person.role
    for (const role of roles)
      if (role !== undefined && !covers(kind, own, role))
        throw tooHigh(`A ${own} cannot decide about a ${role}.`)
  }
  return async (app) => {
    app.get(
      '/api/v1/roles',
      {
        config: { permission: 'people.read' },
        schema: {
          tags,
          summary: 'Roles and what each may do',
          response: { 200: z.array(z.object({ role: z.string(), permissions: z.array(z.string()) })) },
        },
      },
      async () =>
        Object.entries(rolesOf(kind)).map(([role, permissions]) => ({ role, permissions: [...permissions] })),
    )
    app.get(
      '/api/v1/people',
      {
        config: { permission: 'people.read' },
        schema: { tags, summary: 'Everybody who may sign in', response: { 200: z.array(Described) } },
      },
      async (request) => people.list(realmOf(request)),
    )
    app.post(
      '/api/v1/people',
      {
        config: { permission: 'people.manage' },
        schema: {
          tags,
          summary: 'Add a person',
          body: z.object({
            email: Email,
            name: z.string().min(1).max(200),
            role: Role,
            password: Secret.optional(),
          }),
          response: { 201: z.object({ id: z.uuid() }) },
        },
      },
      async (request, reply) => {
        const { email, name, role, password } = request.body
        mayHand(request, [role])
        if (password !== undefined)
          await passwords.judge(password, { words: [email, name], secondFactor: false })
        const id = await people.add(realmOf(request), { email, name, role, password: password ?? null })
        return reply.code(201).send({ id })
      },
    )
    app.patch(
      '/api/v1/people/:id',
      {
        config: { permission: 'people.manage' },
        schema: {
          tags,
          summary: "Change a person's role or state; signs them out everywhere",
          params: byId,
          body: z
            .object({ role: Role.optional(), state: z.enum(['active', 'disabled']).optional() })
            .refine(({ role, state }) => role !== undefined || state !== undefined, 'name what to change'),
          response: nothing,
        },
      },
      async (request, reply) => {
        mayHand(request, [request.body.role])
        const allowed = (role: string) => mayHand(request, [role])
        await people.change(realmOf(request), request.params.id, request.body, allowed)
        return reply.code(204).send(null)
      },
    )
    await app.register(tokenRoutes(parts))
  }
}

function tokenRoutes({ kind, apiTokens, realmOf }: PeopleRouteParts): FastifyPluginAsyncZod {
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
        config: { permission: OWN },
        schema: {
          tags,
          summary: 'Make an API token; it is shown this once',
          body: z.object({
            name: z.string().min(1).max(100),
            permissions: z.array(Permission).min(1).max(50),
            days: z.number().int().min(1).max(365),
          }),
          response: { 201: z.object({ id: z.uuid(), token: z.string() }) },
        },
      },
      async (request, reply) => {
        const { name, permissions, days } = request.body
        const { person } = callerOf(request)
        const own = rolesOf(kind)[person.role] ?? []
        const beyond = permissions.filter((permission) => !matchesAny(own, permission))
        if (beyond.length > 0) throw tooHigh(`A ${person.role} does not have ${beyond.join(', ')}.`)
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
