import type { FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { clearTokens, refreshTokenOf, setTokens } from './cookies.ts'
import { enter } from './enter.ts'
import type { Caller } from './guard.ts'
import type { People } from './people.ts'
import { OWN_PARTIAL, rolesOf } from './permissions.ts'
import type { Realm } from './realm.ts'
import type { Sessions } from './sessions.ts'

/** What the routes of one audience need. */
export interface RouteParts {
  people: People
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
export const EventAnswer = z.object({
  id: z.uuid(),
  kind: z.string(),
  personId: z.uuid().nullable(),
  at: z.string(),
  details: z.record(z.string(), z.unknown()),
})
const tags = ['sign-in']
export const nothing = { 204: z.null() }

/** Signing in and out. The same for members and operators. */
export function authRoutes({
  people,
  sessions,
  idleLife,
  accessLife,
  realmOf,
}: RouteParts): FastifyPluginAsyncZod {
  return async (app) => {
    /** Seconds after which to refresh. */
    const accessFor = Math.floor(accessLife / 1000)
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
        const { session } = await enter({ sessions, idleLife, realmOf }, request, reply, person, ['pwd'])
        return { session, accessFor }
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
          const tokens = await sessions.refresh(realmOf(request), refreshTokenOf(request))
          setTokens(reply, tokens, idleLife)
          return { session: tokens.session, accessFor }
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
