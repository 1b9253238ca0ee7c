import type { FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { defineProblem } from '../../kernel/problems.ts'
import type { Passwords } from './passwords.ts'
import type { People } from './people.ts'
import { covers, memberRoles, operatorRoles, rolesOf } from './permissions.ts'
import type { Realm } from './realm.ts'
import { requireSecondFactor, rolesWithSecondFactor } from './roleRules.ts'
import { callerOf, Email, nothing, PersonAnswer, Secret } from './routes.ts'
import type { Sessions } from './sessions.ts'

/** Handing out what one does not have. */
export const tooHigh = defineProblem({
  code: 'role-too-high',
  status: 403,
  title: 'Nobody gives more than they have',
})

/** What the routes about people need. */
export interface PeopleRouteParts {
  kind: 'members' | 'operators'
  people: People
  passwords: Passwords
  sessions: Sessions
  realmOf(request: FastifyRequest): Realm
}

const byId = z.object({ id: z.uuid() })
const Described = PersonAnswer.extend({ state: z.enum(['active', 'disabled']), waiting: z.boolean() })
const RoleAnswer = z.object({ role: z.string(), permissions: z.array(z.string()), secondFactor: z.boolean() })

/** Managing people and their roles. */
export function peopleRoutes(parts: PeopleRouteParts): FastifyPluginAsyncZod {
  const { kind, people, passwords, sessions, realmOf } = parts
  const Role = z.enum(kind === 'members' ? memberRoles : operatorRoles)
  const tags = ['people']
  return async (app) => {
    app.get(
      '/api/v1/roles',
      {
        config: { permission: 'people.read' },
        schema: {
          tags,
          summary: 'Roles and what each may do',
          response: { 200: z.array(RoleAnswer) },
        },
      },
      async (request) => {
        const needing = await rolesWithSecondFactor(realmOf(request))
        return Object.entries(rolesOf(kind)).map(([role, permissions]) => ({
          role,
          permissions: [...permissions],
          secondFactor: kind === 'operators' || needing.includes(role),
        }))
      },
    )
    app.put(
      '/api/v1/roles/:role/second-factor',
      {
        config: { permission: 'roles.manage', recent: true },
        schema: {
          tags,
          summary: 'Whether people of this role must show a second factor',
          params: z.object({ role: Role }),
          body: z.object({ needed: z.boolean() }),
          response: nothing,
        },
      },
      async (request, reply) => {
        await requireSecondFactor(realmOf(request), request.params.role, request.body.needed)
        return reply.code(204).send(null)
      },
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
        config: { permission: 'people.manage', recent: true },
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
        mayHand(kind, request, [role])
        if (password !== undefined)
          await passwords.judge(password, { words: [email, name], secondFactor: false })
        const id = await people.add(realmOf(request), { email, name, role, password: password ?? null })
        return reply.code(201).send({ id })
      },
    )
    app.patch(
      '/api/v1/people/:id',
      {
        config: { permission: 'people.manage', recent: true },
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
        mayHand(kind, request, [request.body.role])
        const allowed = (role: string) => mayHand(kind, request, [role])
        await people.change(realmOf(request), request.params.id, request.body, allowed)
        return reply.code(204).send(null)
      },
    )
    app.delete(
      '/api/v1/people/:id/sessions',
      {
        config: { permission: 'people.manage', recent: true },
        schema: { tags, summary: 'Sign a person out everywhere', params: byId, response: nothing },
      },
      async (request, reply) => {
        const realm = realmOf(request)
        const { id } = request.params
        mayHand(kind, request, [(await people.list(realm)).find((person) => person.id === id)?.role])
        await sessions.endAll(realm, id)
        return reply.code(204).send(null)
      },
    )
  }
}

/** Throws a Problem `role-too-high` (403) when the caller may not decide about people of one of `roles`. */
export function mayHand(
  kind: PeopleRouteParts['kind'],
  request: FastifyRequest,
  roles: readonly (string | undefined)[],
): void {
  const own = callerOf(request).person.role
  for (const role of roles)
    if (role !== undefined && !covers(kind, own, role))
      throw tooHigh(`A ${own} cannot decide about a ${role}.`)
}
