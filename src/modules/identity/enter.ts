import type { FastifyReply, FastifyRequest } from 'fastify'
import { refreshTokenOf, setTokens } from './cookies.ts'
import type { Notices } from './notices.ts'
import type { People } from './people.ts'
import type { Realm } from './realm.ts'
import { callerOf, deviceOf } from './routes.ts'
import type { Sessions, Tokens } from './sessions.ts'

/** What beginning a session for a browser needs. */
export interface EnterParts {
  sessions: Sessions
  /** Milliseconds that the browser keeps a refresh token. */
  idleLife: number
  realmOf(request: FastifyRequest): Realm
}

/** What is known of a person who comes from an issuer: the session that the browser had, and when they were asked there. */
interface Elsewhere {
  session?: string | null
  authenticatedAt?: Date | undefined
}

/**
 * A new session whatever the browser brought, by its cookies; the one that it had ends (ASVS 7.2.4), so that nothing that
 * was fixed or stolen before the sign-in lives on. `person.password` is the stored hash, see `sessions.begin`.
 */
export async function enter(
  { sessions, idleLife, realmOf }: EnterParts,
  request: FastifyRequest,
  reply: FastifyReply,
  person: { id: string; password: string | null },
  factors: string[],
  { session = null, authenticatedAt }: Elsewhere = {},
): Promise<Tokens> {
  const realm = realmOf(request)
  const tokens = await sessions.begin(realm, person, { device: deviceOf(request), factors, authenticatedAt })
  const before = sessions.presented(realm, refreshTokenOf(request)) ?? session
  if (before) await sessions.endPresented(realm, before)
  setTokens(reply, tokens, idleLife)
  return tokens
}

/** What an upgrade needs. */
export interface UpgradeParts extends EnterParts {
  people: People
  notices: Notices
}

/**
 * A new session that says which factor was shown as well, and its id. The one before ends: a token that was stolen before
 * the second factor must never become one that is worth more.
 */
export async function upgrade(
  parts: UpgradeParts,
  request: FastifyRequest,
  reply: FastifyReply,
  factor: string,
): Promise<string> {
  const { person, session, factors } = callerOf(request)
  const realm = parts.realmOf(request)
  const known = { id: person.id, password: await parts.people.passwordHashOf(realm, person.id) }
  const tokens = await enter(parts, request, reply, known, [...new Set([...factors, factor])])
  if (session) await parts.sessions.end(realm, person.id, session)
  return tokens.session
}
