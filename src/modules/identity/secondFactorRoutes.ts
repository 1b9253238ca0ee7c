import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { type UpgradeParts, upgrade } from './enter.ts'
import { OWN, OWN_PARTIAL } from './permissions.ts'
import { secondFactorNeeded } from './person.ts'
import { callerOf, nothing, Secret } from './routes.ts'
import type { SecondFactors } from './secondFactors.ts'
import { base32, totpUri } from './totp.ts'

/** What the routes about second factors need. */
export interface SecondFactorParts extends UpgradeParts {
  secondFactors: SecondFactors
  issuer: string
}

const tags = ['second factor']
const Code = z.string().trim().min(6).max(40)

/** Enrolling, showing and removing a second factor. */
export function secondFactorRoutes(parts: SecondFactorParts): FastifyPluginAsyncZod {
  const { people, secondFactors, realmOf } = parts
  return async (app) => {
    app.post(
      '/api/v1/auth/totp',
      {
        config: { permission: OWN_PARTIAL, recent: true },
        schema: {
          tags,
          summary: 'Begin to enrol an authenticator app',
          response: { 201: z.object({ secret: z.string(), uri: z.string() }) },
        },
      },
      async (request, reply) => {
        const { person, factors } = callerOf(request)
        const secret = await secondFactors.enrol(realmOf(request), person.id, factors.length)
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
        config: { permission: OWN_PARTIAL, recent: true, limit: { attempt: true } },
        schema: {
          tags,
          summary: 'Enrol by the first code; gives recovery codes once, with the first second factor',
          body: z.object({ code: Code }),
          response: { 200: z.object({ session: z.uuid(), recoveryCodes: z.array(z.string()).nullable() }) },
        },
      },
      async (request, reply) => {
        const { person, factors } = callerOf(request)
        const { code } = request.body
        const realm = realmOf(request)
        const recoveryCodes = await secondFactors.confirm(realm, person.id, code, factors.length)
        parts.notices.tell(realm, person.id, 'second-factor-added')
        return { session: await upgrade(parts, request, reply, 'otp'), recoveryCodes }
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
        return { session: await upgrade(parts, request, reply, factor) }
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
        parts.notices.tell(realm, person.id, 'second-factor-removed')
        return reply.code(204).send(null)
      },
    )
  }
}
