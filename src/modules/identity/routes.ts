import type { FastifyReply, FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { clearTokens, refreshTokenOf, setTokens } from './cookies.ts'
import { eventsOf } from './events.ts'
import type { Caller } from './guard.ts'
import type { Passwords } from './passwords.ts'
import type { People } from './people.ts'
import { OWN, OWN_PARTIAL, rolesOf } from './permissions.ts'
import type { Realm } from './realm.ts'
import type { Sessions, Tokens } from './sessions.ts'

/** What the routes of one audience need. */
export interface RouteParts {
  people: People
  passwords: Passwords
  sessions: Sessions
  /** Milliseconds that the browser keeps a refresh token, and that an access token is good. */
  idleLife: number
  accessLife: number
  realmOf(request: FastifyRequest): Realm
}

/** Input and answers that several routes share. */
export const Email = z.string().trim().max(254).pipe(z.email())
export const Secret = z.string().min(1).max(256)
export const PersonAnswer = z.object({ id: z.uuid(), email: z.string(), name: z.string(), role: z.string() })
/** `impersonator`: for the banner that says so. */
const MeAnswer = PersonAnswer.extend({
  /** What the role is granted: names and patterns. */
  permissions: z.array(z.string()),
  /** The session's own id; null in somebody else's name. */
  session: z.uuid().nullable(),
  secondFactorDue: z.boolean(),
  impersonator: z.string().nullable(),
})
const SessionAnswer = z.object({
  id: z.uuid(),
  device: z.string(),
  startedAt: z.string(),
  lastUsedAt: z.string(),
})
export const EventAnswer = z.object({
  id: z.uuid(),
  kind: z.string(),
  personId: z.uuid().nullable(),
  at: z.string(),
  details: z.record(z.string(), z.unknown()),
})
const tags = ['sign-in']
export const nothing = { 204: z.null() }

/** Signing in and out, and what a person does about their own account. The same for members and operators. */
export function authRoutes({
  people,
  passwords,
  sessions,
  idleLife,
  accessLife,
  realmOf,
}: RouteParts): FastifyPluginAsyncZod {
  return async (app) => {
    const answer = (reply: FastifyReply, tokens: Tokens) => {
      setTokens(reply, tokens, idleLife)
      return reply.send({ session: tokens.session, accessFor: Math.floor(accessLife / 1000) })
    }
    /** `accessFor`: seconds after which to refresh. */
    const started = { 200: z.object({ session: z.uuid(), accessFor: z.number() }) }

    app.post(
      '/api/v1/auth/sign-in',
      {
        config: { public: true, limit: { attempt: true, account: 'email' } },
        schema: {
          tags,
          summary: 'Sign in by e-mail and password',
          body: z.object({ email: Email, password: Secret }),
          response: started,
        },
      },
      async (request, reply) => {
        const realm = realmOf(request)
        const person = await people.signIn(realm, request.body.email, request.body.password)
        // A new session whatever the browser brought: nothing that was fixed before the sign-in lives on.
        return answer(
          reply,
          await sessions.begin(realm, person, { device: deviceOf(request), factors: ['pwd'] }),
        )
      },
    )
    app.post(
      '/api/v1/auth/refresh',
      {
        config: { public: true },
        schema: { tags, summary: 'Exchange the refresh token', response: started },
      },
      async (request, reply) => {
        try {
          return answer(reply, await sessions.refresh(realmOf(request), refreshTokenOf(request)))
        } catch (error) {
          if ((error as { status?: number }).status === 401) clearTokens(reply)
          throw error
        }
      },
    )
    app.post(
      '/api/v1/auth/sign-out',
      {
        config: { permission: OWN_PARTIAL },
        schema: { tags, summary: 'End this session', response: nothing },
      },
      async (request, reply) => {
        const { person, session } = callerOf(request)
        if (session) await sessions.end(realmOf(request), person.id, session)
        clearTokens(reply)
        return reply.code(204).send(null)
      },
    )
    app.get(
      '/api/v1/auth/me',
      {
        config: { permission: OWN_PARTIAL },
        schema: { tags, summary: 'Who is signed in', response: { 200: MeAnswer } },
      },
      async (request) => {
        const { person, session, partial, impersonation } = callerOf(request)
        return {
          ...person,
          permissions: [...(rolesOf(request.member ? 'members' : 'operators')[person.role] ?? [])],
          session,
          secondFactorDue: partial,
          impersonator: impersonation?.by.email ?? null,
        }
      },
    )
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
        config: { permission: OWN },
        schema: { tags, summary: 'End one session', params: z.object({ id: z.uuid() }), response: nothing },
      },
      async (request, reply) => {
        await sessions.end(realmOf(request), callerOf(request).person.id, request.params.id)
        return reply.code(204).send(null)
      },
    )
    app.delete(
      '/api/v1/auth/sessions',
      { config: { permission: OWN }, schema: { tags, summary: 'Sign out everywhere', response: nothing } },
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
        clearTokens(reply)
        return reply.code(204).send(null)
      },
    )
  }
}

/** Who the guard let through. */
export function callerOf(request: FastifyRequest): Caller {
  return (request.member ?? request.operator) as Caller
}

/** How the device calls itself. */
export function deviceOf(request: FastifyRequest): string {
  return (request.headers['user-agent'] ?? 'unknown').replaceAll(/[^\x20-\x7e]/g, '').slice(0, 200)
}
