import type { FastifyReply, FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { MailApi } from '../mail/index.ts'
import { type Invitations, invitationLink } from './invitations.ts'
import type { Notices } from './notices.ts'
import type { People } from './people.ts'
import { mayHand } from './peopleRoutes.ts'
import type { Realm } from './realm.ts'
import type { Resets } from './resets.ts'
import { nothing, Secret } from './routes.ts'

/** What the routes about invitations need. */
export interface InvitationRouteParts {
  kind: 'members' | 'operators'
  people: People
  invitations: Invitations
  resets: Resets
  notices: Notices
  mail: MailApi
  /** Characters that a password needs at least. */
  passwordLength: number
  /** The deployment's own address of a request's host. */
  originOf(request: FastifyRequest): string
  realmOf(request: FastifyRequest): Realm
}

const Token = z.string().regex(/^[\w-]{40,400}$/)
const Invited = z.object({ email: z.string(), name: z.string(), passwordLength: z.number() })
const LinkAnswer = z.object({ link: z.string(), expiresAt: z.string(), mailed: z.boolean() })
const SUBJECT = 'Einladung / Invitation'

/** Inviting somebody who was added, and accepting it. */
export function invitationRoutes(parts: InvitationRouteParts): FastifyPluginAsyncZod {
  const { kind, people, invitations, resets, notices, mail, originOf, realmOf } = parts
  const find = async (request: FastifyRequest, id: string) =>
    (await people.list(realmOf(request))).find((person) => person.id === id)
  const hand = async (
    request: FastifyRequest,
    reply: FastifyReply,
    person: { email: string } | undefined,
    { token, expiresAt }: { token: string; expiresAt: string },
  ) => {
    const link = invitationLink(originOf(request), token)
    const message = { to: person?.email ?? '', subject: SUBJECT, text: textOf(link, expiresAt) }
    const mailed = await mail.send(message)
    return reply.code(201).header('cache-control', 'no-store').send({ link, expiresAt, mailed })
  }
  return async (app) => {
    app.post(
      '/api/v1/people/:id/invitation',
      {
        config: { permission: 'people.manage', recent: true },
        schema: {
          tags: ['people'],
          summary: 'Invite a person to choose a password: by mail, and a link to hand over',
          params: z.object({ id: z.uuid() }),
          response: { 201: LinkAnswer },
        },
      },
      async (request, reply) => {
        const { id } = request.params
        const person = await find(request, id)
        mayHand(kind, request, [person?.role])
        return hand(request, reply, person, await invitations.make(realmOf(request), id))
      },
    )
    app.post(
      '/api/v1/people/:id/reset',
      {
        config: { permission: 'people.manage', recent: true },
        schema: {
          tags: ['people'],
          summary:
            'Take away password, second factors, sessions and tokens of a person, and invite them anew',
          params: z.object({ id: z.uuid() }),
          response: { 201: LinkAnswer },
        },
      },
      async (request, reply) => {
        const { id } = request.params
        const allowed = (role: string) => mayHand(kind, request, [role])
        const invitation = await invitations.reset(realmOf(request), id, allowed)
        return hand(request, reply, await find(request, id), invitation)
      },
    )
    app.post(
      '/api/v1/auth/invitation',
      {
        config: { public: true, limit: { attempt: true } },
        schema: {
          tags: ['sign-in'],
          summary: 'Whom an invitation, or a link for a new password, is for',
          body: z.object({ token: Token }),
          response: { 200: Invited },
        },
      },
      async (request) => {
        const realm = realmOf(request)
        const { token } = request.body
        const { email, name } = await (resets.knows(realm, token) ? resets : invitations).read(realm, token)
        return { email, name, passwordLength: parts.passwordLength }
      },
    )
    app.post(
      '/api/v1/auth/invitation/accept',
      {
        config: { public: true, limit: { attempt: true } },
        schema: {
          tags: ['sign-in'],
          summary: 'Choose the password; sign in with it afterwards',
          body: z.object({ token: Token, password: Secret }),
          response: nothing,
        },
      },
      async (request, reply) => {
        const realm = realmOf(request)
        const { token, password } = request.body
        if (resets.knows(realm, token))
          notices.tell(realm, await resets.accept(realm, token, password), 'password-changed')
        else await invitations.accept(realm, token, password)
        return reply.code(204).send(null)
      },
    )
  }
}

function textOf(link: string, expiresAt: string): string {
  const until = (locale: string) =>
    new Intl.DateTimeFormat(locale, {
      dateStyle: 'long',
      timeStyle: 'short',
      timeZone: 'Europe/Berlin',
    }).format(new Date(expiresAt))
  return `Sie sind eingeladen. Wählen Sie bis ${until('de-DE')} Ihr Passwort (Zeit in Berlin):

You are invited. Choose your password before ${until('en-GB')} (time in Berlin):

${link}
`
}
