import cookie from '@fastify/cookie'
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import { defineProblem } from '../../kernel/problems.ts'
import type { Audience } from '../../kernel/routes.ts'
import { credentialOf } from './cookies.ts'
import { allows, OWN_PARTIAL } from './permissions.ts'
import { notSignedIn } from './person.ts'
import type { Realm } from './realm.ts'
import type { Sessions, SignedIn } from './sessions.ts'

const forbidden = defineProblem({ code: 'forbidden', status: 403, title: 'This is not yours to do' })

/** Who calls, once the guard has let the request through. */
export type Caller = SignedIn

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
  sessions: Sessions
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
      // So that the OpenAPI document says it too.
      if (!route.config?.public)
        route.schema = { ...route.schema, security: [{ session: [] }, { bearer: [] }] }
    })
    app.addHook('onRequest', async (request) => {
      const { public: open, permission } = request.routeOptions.config
      if (request.is404 || open) return
      const caller = await identify(request, parts)
      if (!permission) throw forbidden('The route does not say who may use it, so nobody may.')
      if (permission !== OWN_PARTIAL && !allows(realmKind, caller.person.role, permission))
        throw forbidden(`The role ${caller.person.role} does not have the permission ${permission}.`)
      if (audience === 'admin') request.operator = caller
      else request.member = caller
    })
  }
}

async function identify(request: FastifyRequest, { sessions, realmOf }: GuardParts): Promise<Caller> {
  const credential = credentialOf(request)
  if (!credential) throw notSignedIn('Sign in first.')
  return sessions.whose(realmOf(request), credential)
}
