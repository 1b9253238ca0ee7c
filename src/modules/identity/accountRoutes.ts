import type { FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { clearTokens } from './cookies.ts'
import { eventsOf } from './events.ts'
import type { Notices } from './notices.ts'
import type { Passwords } from './passwords.ts'
import type { People } from './people.ts'
import { OWN } from './permissions.ts'
import type { Realm } from './realm.ts'
import { callerOf, EventAnswer, nothing, Secret } from './routes.ts'
import type { Sessions } from './sessions.ts'

/** What the routes about one's own account need. */
export interface AccountRouteParts {
  people: People
  passwords: Passwords
  sessions: Sessions
  notices: Notices
  realmOf(request: FastifyRequest): Realm
}

const SessionAnswer = z.object({
  id: z.uuid(),
  device: z.string(),
  startedAt: z.string(),
  lastUsedAt: z.string(),
})
const tags = ['sign-in']

/** What a person does about their own account: where they are signed in, what happened, the password. */
export function accountRoutes({
  people,
  passwords,
  sessions,
  notices,
  realmOf,
}: AccountRouteParts): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/api/v1/auth/sessions',
      {
        config: { permission: OWN },
        schema: { tags, summary: 'Where one is signed in', response: { 200: z.array(SessionAnswer) } },
      },
      async (request) => sessions.list(realmOf(request), callerOf(request).person.id),
    )
    app.get(
      '/api/v1/auth/events',
      {
        config: { permission: OWN },
        schema: { tags, summary: "What happened to one's access", response: { 200: z.array(EventAnswer) } },
      },
      async (request) =>
        realmOf(request).transaction((run) => eventsOf(run, callerOf(request).person.id, 100)),
    )
    app.delete(
      '/api/v1/auth/sessions/:id',
      {
        config: { permission: OWN, recent: true },
        schema: { tags, summary: 'End one session', params: z.object({ id: z.uuid() }), response: nothing },
      },
      async (request, reply) => {
        await sessions.end(realmOf(request), callerOf(request).person.id, request.params.id)
        return reply.code(204).send(null)
      },
    )
    app.delete(
      '/api/v1/auth/sessions',
      {
        config: { permission: OWN, recent: true },
        schema: { tags, summary: 'Sign out everywhere', response: nothing },
      },
      async (request, reply) => {
        await sessions.endAll(realmOf(request), callerOf(request).person.id)
        clearTokens(reply)
        return reply.code(204).send(null)
      },
    )
    app.post(
      '/api/v1/auth/password',
      {
        config: { permission: OWN, limit: { attempt: true } },
        schema: {
          tags,
          summary: 'Change the password; signs out everywhere',
          body: z.object({ current: Secret, next: Secret }),
          response: nothing,
        },
      },
      async (request, reply) => {
        const { person, factors } = callerOf(request)
        const { current, next } = request.body
        const realm = realmOf(request)
        const known = await people.signIn(realm, person.email, current)
        await passwords.judge(next, { words: [person.email, person.name], secondFactor: factors.length > 1 })
        await people.changePassword(realm, person.id, known.password, next)
        notices.tell(realm, person.id, 'password-changed')
        clearTokens(reply)
        return reply.code(204).send(null)
      },
    )
  }
}
