import type { FastifyReply, FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { enter, type UpgradeParts, upgrade } from './enter.ts'
import type { Passkeys } from './passkeys.ts'
import { OWN, OWN_PARTIAL } from './permissions.ts'
import { callerOf, nothing } from './routes.ts'
import { Assertion, Registration, type Site } from './webauthn.ts'

/** What the routes about passkeys need. */
export interface PasskeyRouteParts extends UpgradeParts {
  passkeys: Passkeys
  siteOf(request: FastifyRequest): Site
}

const tags = ['passkeys']
/** As the browser takes it: `PublicKeyCredential.parseCreationOptionsFromJSON` and its sister (WebAuthn §5.1.9). */
const Options = z.record(z.string(), z.unknown())
const Line = z.object({
  id: z.uuid(),
  name: z.string(),
  createdAt: z.string(),
  lastUsedAt: z.string().nullable(),
})
const started = { 200: z.object({ session: z.uuid() }) }
const fresh = (reply: FastifyReply) => reply.header('cache-control', 'no-store')

/** Passkeys: adding and removing, as a second factor, and instead of a password. */
export function passkeyRoutes(parts: PasskeyRouteParts): FastifyPluginAsyncZod {
  return async (app) => {
    await app.register(ownPasskeys(parts))
    await app.register(showingPasskeys(parts))
  }
}

function ownPasskeys(parts: PasskeyRouteParts): FastifyPluginAsyncZod {
  const { passkeys, notices, siteOf, realmOf } = parts
  const enrolling = (request: FastifyRequest) => {
    const { person, factors } = callerOf(request)
    return { ...person, shown: factors.length }
  }
  return async (app) => {
    app.get(
      '/api/v1/auth/passkeys',
      {
        config: { permission: OWN },
        schema: { tags, summary: "One's passkeys", response: { 200: z.array(Line) } },
      },
      async (request) => passkeys.list(realmOf(request), callerOf(request).person.id),
    )
    app.post(
      '/api/v1/auth/passkeys/options',
      {
        config: { permission: OWN_PARTIAL, recent: true },
        schema: { tags, summary: 'What the browser needs to make a passkey', response: { 200: Options } },
      },
      async (request, reply) => {
        const options = await passkeys.offer(realmOf(request), siteOf(request), enrolling(request))
        return fresh(reply).send({ ...options })
      },
    )
    app.post(
      '/api/v1/auth/passkeys',
      {
        config: { permission: OWN_PARTIAL, recent: true },
        schema: {
          tags,
          summary: 'Add the passkey that was made; gives recovery codes once, with the first second factor',
          body: z.object({ name: z.string().trim().min(1).max(100), response: Registration }),
          response: {
            201: z.object({ id: z.uuid(), session: z.uuid(), recoveryCodes: z.array(z.string()).nullable() }),
          },
        },
      },
      async (request, reply) => {
        const [realm, person] = [realmOf(request), enrolling(request)]
        const added = await passkeys.add(realm, siteOf(request), person, request.body)
        notices.tell(realm, person.id, 'second-factor-added')
        return reply.code(201).send({ ...added, session: await upgrade(parts, request, reply, 'pop') })
      },
    )
    app.delete(
      '/api/v1/auth/passkeys/:id',
      {
        config: { permission: OWN, recent: true },
        schema: { tags, summary: 'Remove a passkey', params: z.object({ id: z.uuid() }), response: nothing },
      },
      async (request, reply) => {
        const [realm, { person }] = [realmOf(request), callerOf(request)]
        if (await passkeys.remove(realm, person.id, request.params.id))
          notices.tell(realm, person.id, 'second-factor-removed')
        return reply.code(204).send(null)
      },
    )
  }
}

function showingPasskeys(parts: PasskeyRouteParts): FastifyPluginAsyncZod {
  const { passkeys, people, siteOf, realmOf } = parts
  const shown = z.object({ response: Assertion })
  return async (app) => {
    app.post(
      '/api/v1/auth/passkey/options',
      {
        config: { permission: OWN_PARTIAL },
        schema: { tags, summary: 'What the browser needs to show a passkey', response: { 200: Options } },
      },
      async (request, reply) => {
        const { person } = callerOf(request)
        return fresh(reply).send({ ...(await passkeys.ask(realmOf(request), siteOf(request), person.id)) })
      },
    )
    app.post(
      '/api/v1/auth/passkey',
      {
        config: { permission: OWN_PARTIAL, limit: { attempt: true } },
        schema: { tags, summary: 'Show a passkey as second factor', body: shown, response: started },
      },
      async (request, reply) => {
        const { person } = callerOf(request)
        await passkeys.show(realmOf(request), siteOf(request), person.id, request.body.response)
        return { session: await upgrade(parts, request, reply, 'pop') }
      },
    )
    app.post(
      '/api/v1/auth/passkey/sign-in/options',
      {
        config: { public: true, limit: { attempt: true } },
        schema: { tags, summary: 'What the browser needs to sign in by passkey', response: { 200: Options } },
      },
      async (request, reply) =>
        fresh(reply).send({ ...(await passkeys.askAnybody(realmOf(request), siteOf(request))) }),
    )
    app.post(
      '/api/v1/auth/passkey/sign-in',
      {
        config: { public: true, limit: { attempt: true } },
        schema: { tags, summary: 'Sign in by passkey alone', body: shown, response: started },
      },
      async (request, reply) => {
        const realm = realmOf(request)
        const id = await passkeys.signIn(realm, siteOf(request), request.body.response)
        // Holding the key and a PIN or finger: two factors at once (RFC 8176 `mfa`).
        const password = await people.passwordHashOf(realm, id)
        const { session } = await enter(parts, request, reply, { id, password }, ['pop', 'mfa'])
        return { session }
      },
    )
  }
}
