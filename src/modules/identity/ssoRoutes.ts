import type { CookieSerializeOptions } from '@fastify/cookie'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Clock } from '../../kernel/clock.ts'
import { Problem } from '../../kernel/problems.ts'
import { refreshTokenOf } from './cookies.ts'
import { type EnterParts, enter } from './enter.ts'
import { link, personOf } from './federated.ts'
import type { People } from './people.ts'
import { notSignedIn } from './person.ts'
import { Email, Secret } from './routes.ts'
import { seal, unseal } from './seal.ts'
import type { Federated, Sso } from './sso.ts'

/** What the routes about other issuers need. */
export interface SsoRouteParts extends EnterParts {
  sso: Sso
  people: People
  clock: Clock
  key: Uint8Array
  /** The deployment's own address of a request's host. */
  originOf(request: FastifyRequest): string
}

const TRANSACTION = '__Host-surety-sso'
const PENDING = '__Host-surety-link'
// Lax: the browser brings it along when the provider sends it back, which Strict would not.
const OPTIONS: CookieSerializeOptions = {
  path: '/',
  secure: true,
  httpOnly: true,
  sameSite: 'lax',
  maxAge: 600,
}
// The session's cookies are Strict and would not be sent by a redirect that began elsewhere; this page begins anew here.
const bounceTo = (next: string) =>
  `<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=/office${next}"><title>Signed in</title><a href="/office${next}">/office${next}</a>`

const tags = ['sign-in']
const byProvider = z.object({ provider: z.string().regex(/^[a-z][a-z0-9-]{0,30}$/) })
const Errand = z.object({
  /** To show oneself there once more, before something that lasts. */
  again: z.literal('1').optional(),
  next: z
    .string()
    .max(200)
    .regex(/^\/[\w/-]*$/)
    .default('/'),
})
// RFC 6749 answers carry more than we read; what matters is checked against what was begun.
const Returned = z
  .object({ code: z.string().max(4096).optional(), state: z.string().max(512).optional() })
  .loose()

/** Signing in at Google, Microsoft, Apple or any other OpenID provider that the settings name. */
export function ssoRoutes(parts: SsoRouteParts): FastifyPluginAsyncZod {
  const { sso, people, clock, key, realmOf } = parts
  const arrive = async (
    request: FastifyRequest,
    reply: FastifyReply,
    person: { id: string; password: string | null },
    { factors, authenticatedAt }: Federated,
    session: string | null = null,
  ) => {
    for (const name of [TRANSACTION, PENDING]) reply.setCookie(name, '', { ...OPTIONS, maxAge: 0 })
    const elsewhere = { session, ...(authenticatedAt ? { authenticatedAt: new Date(authenticatedAt) } : {}) }
    return (await enter(parts, request, reply, person, factors, elsewhere)).session
  }
  return async (app) => {
    app.get(
      '/api/v1/auth/sso',
      {
        config: { public: true },
        schema: {
          tags,
          summary: 'The providers that one may sign in with',
          response: { 200: z.array(z.object({ name: z.string() })) },
        },
      },
      async () => sso.providers.map(({ name }) => ({ name })),
    )
    app.get(
      '/api/v1/auth/sso/:provider',
      {
        config: { public: true, limit: { attempt: true } },
        schema: {
          tags,
          summary: 'Go to a provider to sign in; `again` to be asked there whatever was before',
          params: byProvider,
          querystring: Errand,
        },
      },
      async (request, reply) => {
        const { provider } = request.params
        const { again, next } = request.query
        const realm = realmOf(request)
        const redirectUri = `${parts.originOf(request)}/api/v1/auth/sso/${provider}/return`
        const session = parts.sessions.presented(realm, refreshTokenOf(request))
        const errand = { again: again === '1', session, next }
        const { url, transaction } = await sso.begin(realm.name, provider, redirectUri, errand)
        return reply
          .setCookie(TRANSACTION, transaction, OPTIONS)
          .header('cache-control', 'no-store')
          .redirect(url, 303)
      },
    )
    app.get(
      '/api/v1/auth/sso/:provider/return',
      {
        config: { public: true, limit: { attempt: true } },
        schema: { tags, summary: 'Come back from a provider', params: byProvider, querystring: Returned },
        errorHandler: tellPerson,
      },
      async (request, reply) => {
        const realm = realmOf(request)
        const returned = new URL(request.url, parts.originOf(request))
        const transaction = request.cookies[TRANSACTION] ?? ''
        const { who, session, next } = await sso.finish(
          realm.name,
          request.params.provider,
          returned,
          transaction,
        )
        const pending = seal(Buffer.from(JSON.stringify(who)), key, `link ${realm.name}`).toString(
          'base64url',
        )
        reply.setCookie(PENDING, pending, OPTIONS)
        await arrive(request, reply, await personOf(realm, who, clock), who, session)
        return reply.type('text/html; charset=utf-8').send(bounceTo(next))
      },
    )
    app.post(
      '/api/v1/auth/sso/link',
      {
        config: { public: true, limit: { attempt: true, account: 'email' } },
        schema: {
          tags,
          summary: 'Confirm by password that an account and the identity just shown are one person',
          body: z.object({ email: Email, password: Secret }),
          response: { 200: z.object({ session: z.uuid() }) },
        },
      },
      async (request, reply) => {
        const realm = realmOf(request)
        const who = readPending(request.cookies[PENDING] ?? '', key, `link ${realm.name}`)
        const person = await people.signIn(realm, request.body.email, request.body.password)
        if (who?.verifiedEmail !== person.email) throw notSignedIn('Sign in at the provider first.')
        await link(realm, who, person.id, clock)
        return { session: await arrive(request, reply, person, who) }
      },
    )
  }
}

/** Somebody who came back with a browser reads on the sign-in page what is to be done; a program gets the problem. */
function tellPerson(error: Error, request: FastifyRequest, reply: FastifyReply): void {
  if (!(error instanceof Problem) || !request.headers.accept?.includes('text/html')) throw error
  reply.redirect(`/office/sign-in?sso=${error.code === 'sso-link-needed' ? 'link-needed' : 'refused'}`, 303)
}

function readPending(text: string, key: Uint8Array, name: string): Federated | undefined {
  try {
    return JSON.parse(unseal(Buffer.from(text, 'base64url'), key, name).toString()) as Federated
  } catch {
    return undefined
  }
}
