import type { FastifyReply, FastifyRequest } from 'fastify'
import { setTokens } from './cookies.ts'
import type { People } from './people.ts'
import type { Realm } from './realm.ts'
import { callerOf, deviceOf } from './routes.ts'
import type { Sessions } from './sessions.ts'

/** What an upgrade needs. */
export interface UpgradeParts {
  people: People
  sessions: Sessions
  /** Milliseconds that the browser keeps a refresh token. */
  idleLife: number
  realmOf(request: FastifyRequest): Realm
}

/**
 * A new session that says which factor was shown, and its id. The one before ends: a token that was stolen before the
 * second factor must never become one that is worth more.
 */
export async function upgrade(
  { people, sessions, idleLife, realmOf }: UpgradeParts,
  request: FastifyRequest,
  reply: FastifyReply,
  factor: string,
): Promise<string> {
  const { person, session, factors } = callerOf(request)
  const realm = realmOf(request)
  const known = { id: person.id, password: await people.passwordHashOf(realm, person.id) }
  const shown = [...new Set([...factors, factor])]
  const tokens = await sessions.begin(realm, known, { device: deviceOf(request), factors: shown })
  if (session) await sessions.end(realm, person.id, session)
  setTokens(reply, tokens, idleLife)
  return tokens.session
}
