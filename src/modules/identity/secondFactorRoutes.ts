import type { FastifyReply, FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { setTokens } from './cookies.ts'
import { secondFactorNeeded } from './guard.ts'
import type { People } from './people.ts'
import { OWN, OWN_PARTIAL } from './permissions.ts'
import type { Realm } from './realm.ts'
import { callerOf, deviceOf, nothing, Secret } from './routes.ts'
import type { SecondFactors } from './secondFactors.ts'
import type { Sessions } from './sessions.ts'
import { base32, totpUri } from './totp.ts'

/** What the routes about second factors need. */
export interface SecondFactorParts {
  people: People
  sessions: Sessions
  secondFactors: SecondFactors
  issuer: string
  idleLife: number
  realmOf(request: FastifyRequest): Realm
}

const tags = ['second factor']
const Code = z.string().trim().min(6).max(40)

/** Enrolling, showing and removing a second factor. */
export function secondFactorRoutes(parts: SecondFactorParts): FastifyPluginAsyncZod {
  const { people, sessions, secondFactors, realmOf } = parts
  /**
   * A new session that says what was shown. The one before ends: a token that was stolen before the second factor must
   * never become one that is worth more.
   */
  const upgrade = async (request: FastifyRequest, reply: FastifyReply, factor: string) => {
    const { person, session, factors } = callerOf(request)
    const realm = realmOf(request)
    const known = { id: person.id, password: await people.passwordHashOf(realm, person.id) }
    const shown = [...new Set([...factors, factor])]
    const tokens = await sessions.begin(realm, known, { device: deviceOf(request), factors: shown })
    if (session) await sessions.end(realm, person.id, session)
    setTokens(reply, tokens, parts.idleLife)
    return tokens.session
  }
  return async (app) => {
    app.post(
      '/api/v1/auth/totp',
      {
        config: { permission: OWN_PARTIAL },
        schema: {
          tags,
          summary: 'Begin to enrol an authenticator app',
          response: { 201: z.object({ secret: z.string(), uri: z.string() }) },
        },
      },
      async (request, reply) => {
        const { person } = callerOf(request)
        const secret = await secondFactors.enrol(realmOf(request), person.id)
        const uri = totpUri(secret, parts.issuer, person.email)
        return reply
          .code(201)
          .header('cache-control', 'no-store')
          .send({ secret: base32(secret), uri })
      },
    )
    app.post(
      '/api/v1/auth/totp/confirm',
      {
        config: { permission: OWN_PARTIAL, limit: { attempt: true } },
        schema: {
          tags,
          summary: 'Enrol by the first code; gives recovery codes once',
          body: z.object({ code: Code }),
          response: { 200: z.object({ session: z.uuid(), recoveryCodes: z.array(z.string()) }) },
        },
      },
      async (request, reply) => {
        const { person } = callerOf(request)
        const recoveryCodes = await secondFactors.confirm(realmOf(request), person.id, request.body.code)
        return { session: await upgrade(request, reply, 'otp'), recoveryCodes }
      },
    )
    app.post(
      '/api/v1/auth/second-factor',
      {
        config: { permission: OWN_PARTIAL, limit: { attempt: true } },
        schema: {
          tags,
          summary: 'Show the second factor: a code of the app or a recovery code',
          body: z.object({ code: Code }),
          response: { 200: z.object({ session: z.uuid() }) },
        },
      },
      async (request, reply) => {
        const { person } = callerOf(request)
        const factor = await secondFactors.verify(realmOf(request), person.id, request.body.code)
        return { session: await upgrade(request, reply, factor) }
      },
    )
    app.delete(
      '/api/v1/auth/totp',
      {
        config: { permission: OWN },
        schema: {
          tags,
          summary: 'Remove the authenticator app; needs password and a code',
          body: z.object({ password: Secret, code: Code }),
          response: nothing,
        },
      },
      async (request, reply) => {
        const { person, factors } = callerOf(request)
        if (factors.length < 2) throw secondFactorNeeded('Show the second factor first.')
        const realm = realmOf(request)
        await people.signIn(realm, person.email, request.body.password)
        await secondFactors.verify(realm, person.id, request.body.code)
        await secondFactors.remove(realm, person.id)
        return reply.code(204).send(null)
      },
    )
  }
}
