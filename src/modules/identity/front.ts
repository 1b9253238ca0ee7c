import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { GivesRoutes, RouteGroup } from '../../kernel/routes.ts'
import type { MailApi } from '../mail/index.ts'
import { accountRoutes } from './accountRoutes.ts'
import { factorRoutes } from './factorRoutes.ts'
import { guard } from './guard.ts'
import type { IdentityApi } from './identityApi.ts'
import { operatorImpersonationRoutes, tenantImpersonationRoutes } from './impersonationRoutes.ts'
import { invitationRoutes } from './invitationRoutes.ts'
import { jwksRoutes } from './jwks.ts'
import type { Notices } from './notices.ts'
import { passkeyRoutes } from './passkeyRoutes.ts'
import { peopleRoutes } from './peopleRoutes.ts'
import { type Realm, tenantRealm } from './realm.ts'
import { resetRoutes } from './resetRoutes.ts'
import type { Resets } from './resets.ts'
import { authRoutes } from './routes.ts'
import { secondFactorRoutes } from './secondFactorRoutes.ts'
import { serviceAccountRoutes } from './serviceAccountRoutes.ts'
import type { IdentitySettings } from './settings.ts'
import { setUpRoutes } from './setUpRoutes.ts'
import { ssoRoutes } from './ssoRoutes.ts'
import { tokenRoutes } from './tokenRoutes.ts'

/** What the routes need beside the api. */
export interface FrontParts {
  settings: IdentitySettings
  clock: Clock
  log: Log
  mail: MailApi
  notices: Notices
  resets: Resets
  ssoKey: Uint8Array
  /** The port that our links name: empty, or such as `:8443`. */
  portInLinks: string
  bySlug(slug: string): Promise<Realm>
}

/** Everything of this module that answers HTTP, and the guard before every route of a tenant or the back-office. */
export function identityRoutes(api: IdentityApi, parts: FrontParts): Required<GivesRoutes> {
  const { settings, clock, notices, resets, log, mail } = parts
  const realms = {
    admin: () => api.operators,
    tenant: (request: FastifyRequest) => tenantRealm(request.tenant),
  }
  const originOf = (request: FastifyRequest) => `https://${request.hostname}${parts.portInLinks}`
  const siteOf = (request: FastifyRequest) => ({ id: request.hostname, origin: originOf(request) })
  const routes: RouteGroup[] = []
  // Their schemas make zod-typed plugins of them, which Fastify's own type does not know.
  const give = (audience: 'admin' | 'tenant', ...plugins: unknown[]) =>
    routes.push(...plugins.map((plugin) => ({ audience, plugin: plugin as FastifyPluginAsync })))
  const guards = (['admin', 'tenant'] as const).map((audience) => {
    const kind = audience === 'admin' ? ('operators' as const) : ('members' as const)
    const realmOf = realms[audience]
    const common = { ...api, ...settings, kind, notices, resets, siteOf, originOf, realmOf }
    give(
      audience,
      authRoutes(common),
      accountRoutes(common),
      peopleRoutes(common),
      invitationRoutes({ ...common, mail }),
      resetRoutes({ resets, originOf, realmOf, log }),
      tokenRoutes(common),
      serviceAccountRoutes(common),
      secondFactorRoutes(common),
      factorRoutes(common.realmOf),
      passkeyRoutes(common),
      jwksRoutes(api.keys),
    )
    return { audience, plugin: guard(audience, { ...common, clock }) }
  })
  give('admin', operatorImpersonationRoutes(api.impersonations, parts.bySlug))
  give('admin', setUpRoutes({ setUp: api.setUp, passwordLength: settings.passwordLength }))
  const { idleLife } = settings
  const sso = { ...api, clock, key: parts.ssoKey, idleLife, originOf, realmOf: realms.tenant }
  give('tenant', ssoRoutes(sso), tenantImpersonationRoutes(api.impersonations, realms.tenant))
  return { guards, routes }
}
