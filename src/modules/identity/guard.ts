import cookie from '@fastify/cookie'
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import type { Clock } from '../../kernel/clock.ts'
import { defineProblem } from '../../kernel/problems.ts'
import type { Audience } from '../../kernel/routes.ts'
import type { AccessTokens } from './accessTokens.ts'
import { type ApiTokens, isApiToken } from './apiTokens.ts'
import { credentialOf } from './cookies.ts'
import type { Impersonations, Impersonator } from './impersonations.ts'
import { allows, matchesAny, OWN_PARTIAL } from './permissions.ts'
import { notSignedIn, type Person, secondFactorNeeded } from './person.ts'
import type { Realm } from './realm.ts'
import type { Sessions } from './sessions.ts'

/** Showing the second factor again, or signing in again, is what helps. */
const stepUpNeeded = defineProblem({
  code: 'step-up-needed',
  status: 403,
  title: 'Show once more that it is you',
})

const forbidden = defineProblem({ code: 'forbidden', status: 403, title: 'This is not yours to do' })

/** Who calls, once the guard has let the request through. */
export interface Caller {
  person: Person
  /** Null for a program with an API token. */
  session: string | null
  /** What the token was limited to; null for a session, which may do all that the role may. */
  limitedTo: readonly string[] | null
  factors: readonly string[]
  /** When the newest factor was shown; null for programs and for who acts in another's name. */
  authenticatedAt: Date | null
  /** A second factor is due and was not shown yet. */
  partial: boolean
  /** The operator who acts in this person's name. */
  impersonation: { id: string; by: Impersonator } | null
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Who is signed in at this tenant; null on public routes. */
    member: Caller | null
    /** Which operator is signed in; null on public routes. */
    operator: Caller | null
  }
}

/** What the guard asks. */
export interface GuardParts {
  access: AccessTokens
  sessions: Sessions
  impersonations: Impersonations
  apiTokens: ApiTokens
  clock: Clock
  /** Milliseconds after which a factor that was shown is no longer recent. */
  recentWithin: number
  realmOf(request: FastifyRequest): Realm
}

/**
 * The one place where every route's permission is checked. A route is closed unless it says `config: { public: true }`
 * or which permission it needs; a role that does not have it, or a caller without a session, gets no further.
 */
export function guard(audience: Exclude<Audience, 'trust'>, parts: GuardParts): FastifyPluginAsync {
  const realmKind = audience === 'admin' ? 'operators' : 'members'
  return async (app) => {
    await app.register(cookie)
    app.decorateRequest('member', null)
    app.decorateRequest('operator', null)
    app.addHook('onRoute', (route) => {
      if (route.config?.public) return
      // So that the OpenAPI document says it too.
      const { permission, recent } = route.config ?? {}
      const named = { 'x-permission': permission, ...(recent ? { 'x-recent': true } : {}) }
      route.schema = { ...route.schema, ...named, security: [{ session: [] }, { bearer: [] }] }
    })
    app.addHook('onRequest', async (request) => {
      const { public: open, permission, recent } = request.routeOptions.config
      if (request.is404 || open) return
      const caller = await identify(request, parts, audience === 'admin')
      if (!permission) throw forbidden('The route does not say who may use it, so nobody may.')
      if (caller.partial && permission !== OWN_PARTIAL)
        throw secondFactorNeeded('Show your second factor, or enrol one.')
      const { role } = caller.person
      if (!allows(realmKind, role, permission))
        throw forbidden(`The role ${role} does not have the permission ${permission}.`)
      if (caller.limitedTo && !matchesAny(caller.limitedTo, permission))
        throw forbidden(`The token was not made for ${permission}.`)
      if (caller.impersonation) await admitImpersonated(request, parts, caller, permission)
      if (recent) demandRecent(caller, parts)
      if (audience === 'admin') request.operator = caller
      else request.member = caller
    })
  }
}

const NO_SESSION = {
  session: null,
  limitedTo: null,
  factors: [],
  authenticatedAt: null,
  partial: false,
  impersonation: null,
}

async function identify(
  request: FastifyRequest,
  { access, sessions, impersonations, apiTokens, realmOf }: GuardParts,
  always: boolean,
): Promise<Caller> {
  const credential = credentialOf(request)
  if (!credential) throw notSignedIn('Sign in first.')
  const realm = realmOf(request)
  if (isApiToken(credential)) {
    const { person, permissions } = await apiTokens.whose(realm, credential)
    return { ...NO_SESSION, person, limitedTo: permissions }
  }
  const claims = await access.verify(realm.name, credential)
  if (claims.act) {
    const { person, impersonator } = await impersonations.whose(realm, claims)
    const impersonation = { id: claims.sid, by: impersonator }
    return { ...NO_SESSION, person, impersonation }
  }
  const signedIn = await sessions.known(realm, claims)
  const { person, session, factors, authenticatedAt } = signedIn
  const partial = (always || signedIn.secondFactorNeeded) && factors.length < 2
  return { ...NO_SESSION, person, session, factors, authenticatedAt, partial }
}

/** Throws `step-up-needed` (403) unless the person was here a moment ago: a stolen session or token is not enough. */
function demandRecent({ authenticatedAt }: Caller, { clock, recentWithin }: GuardParts): void {
  if (!authenticatedAt) throw stepUpNeeded('A person does this, signed in, in their own name.')
  if (clock.now().getTime() - authenticatedAt.getTime() > recentWithin)
    throw stepUpNeeded('Show your second factor once more; without one, sign in again.')
}

/** What would outlast the impersonation: the account itself, and who else may come in. */
const LASTING = ['people.manage', 'roles.manage', 'security.manage']

/** Notes the act before it is done, so that none is missing from the record. */
async function admitImpersonated(
  request: FastifyRequest,
  { impersonations, realmOf }: GuardParts,
  { person, impersonation }: Caller,
  permission: string,
): Promise<void> {
  if (!impersonation) return
  const { method } = request
  if (LASTING.includes(permission) || (permission.startsWith('own.') && method !== 'GET'))
    throw forbidden("This is not done in somebody else's name.")
  const what = `${method} ${request.routeOptions.url}`
  await impersonations.note(realmOf(request), impersonation.id, {
    person,
    impersonator: impersonation.by,
    what,
  })
}
