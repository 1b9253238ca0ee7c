import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import { stores } from '../../data/index.ts'
import { keepSecret } from '../../data/secrets.ts'
import { defineModule } from '../../kernel/module.ts'
import type { RouteGroup } from '../../kernel/routes.ts'
import { api } from '../api/index.ts'
import { edge } from '../edge/index.ts'
import { mail } from '../mail/index.ts'
import { tenancy } from '../tenancy/index.ts'
import { type AccessTokens, openAccessTokens } from './accessTokens.ts'
import { raiseAlarm } from './alarm.ts'
import { type ApiTokens, openApiTokens } from './apiTokens.ts'
import { openGraceWindow } from './graceWindow.ts'
import { guard } from './guard.ts'
import { operatorImpersonationRoutes, tenantImpersonationRoutes } from './impersonationRoutes.ts'
import { type Impersonations, openImpersonations } from './impersonations.ts'
import { jwksRoutes } from './jwks.ts'
import { type KeyRing, openKeyRing } from './keyRing.ts'
import { identityMeasures } from './measures.ts'
import { openPasswords, type Passwords } from './passwords.ts'
import { openPeople, type People } from './people.ts'
import { peopleRoutes } from './peopleRoutes.ts'
import { operatorRealm, type Realm, tenantRealm } from './realm.ts'
import { openRefreshTokens } from './refreshTokens.ts'
import { authRoutes } from './routes.ts'
import { secondFactorRoutes } from './secondFactorRoutes.ts'
import { openSecondFactors, type SecondFactors } from './secondFactors.ts'
import { openSessions, type SessionParts, type Sessions } from './sessions.ts'
import { identitySettings } from './settings.ts'
import { openSso, type Sso } from './sso.ts'
import { ssoRoutes } from './ssoRoutes.ts'
import { tokenRoutes } from './tokenRoutes.ts'

export { memberRoles, operatorRoles } from './permissions.ts'
export { tenantRealm } from './realm.ts'

/** What other modules get from identity. */
export interface IdentityApi {
  passwords: Passwords
  people: People
  sessions: Sessions
  apiTokens: ApiTokens
  secondFactors: SecondFactors
  impersonations: Impersonations
  sso: Sso
  keys: KeyRing
  access: AccessTokens
  /** The people who run the deployment. */
  operators: Realm
}

/** Other processes' changes of the signing keys are read this often (ms). */
const RELOAD_EVERY = 10_000

/** Tokens are accepted a little beyond their life, for clocks that differ (ms). */
const TOLERANCE = 10_000

/** Who may do what: members of tenants, operators, how they sign in and what they may. */
export const identity = defineModule({
  name: 'identity',
  needs: { stores, edge, tenancy, api, mail },
  settings: identitySettings,
  migrations: {
    control: new URL('./migrations/control/', import.meta.url),
    tenant: new URL('./migrations/tenant/', import.meta.url),
  },
  contradictions: (own) => [
    ...(own.keyLead < 2 * RELOAD_EVERY
      ? [
          {
            settings: ['identity.keyLead'],
            why: 'a process may read a new key up to 20 s late; allow for that.',
          },
        ]
      : []),
    ...(own.idleLife > own.sessionLife
      ? [{ settings: ['identity.idleLife', 'identity.sessionLife'], why: 'idle time is part of the life.' }]
      : []),
  ],
  async start({ settings, clock, log }, { stores, edge, tenancy, mail }) {
    const secret = (name: string) => Buffer.from(keepSecret(stores.secrets, name), 'hex')
    const passwords = await openPasswords(settings)
    const people = openPeople(passwords, clock)
    const ringOptions = {
      control: stores.control,
      sealKey: secret('identity-key-seal'),
      lead: settings.keyLead,
      tokenLife: settings.accessLife + TOLERANCE,
    }
    const keys = await openKeyRing({ ...ringOptions, ring: 'access', clock })
    const parts: SessionParts = {
      clock,
      access: openAccessTokens(keys, settings.issuer, clock),
      refreshTokens: openRefreshTokens(secret('identity-refresh')),
      window: openGraceWindow(stores.redis, settings.refreshGrace),
      accessLife: settings.accessLife,
      sessionLife: settings.sessionLife,
      idleLife: settings.idleLife,
      grace: settings.refreshGrace,
      theftAt: settings.refreshTheftAt,
      onAlarm: (realm, alarm) => raiseAlarm({ log, mail }, realm, alarm),
    }
    const sessions = openSessions(parts)
    const operators = operatorRealm(stores.control)
    const apiTokens = openApiTokens(clock)
    const impersonations = openImpersonations({
      access: parts.access,
      operators,
      clock,
      life: settings.impersonationLife,
    })
    const ssoKey = secret('identity-sso')
    const sso = openSso(settings.sso, ssoKey, clock)
    const secondFactors = openSecondFactors(secret('identity-second-factors'), clock)
    const own: IdentityApi = {
      passwords,
      people,
      sessions,
      apiTokens,
      secondFactors,
      impersonations,
      sso,
      keys,
      access: parts.access,
      operators,
    }
    const reload = setInterval(() => {
      keys.reload().catch((error: unknown) => log.warn({ err: error }, 'signing keys not read'))
    }, RELOAD_EVERY).unref()

    const realms = {
      admin: () => operators,
      tenant: (request: FastifyRequest) => tenantRealm(request.tenant),
    }
    const guards: RouteGroup[] = []
    const routes: RouteGroup[] = []
    for (const audience of ['admin', 'tenant'] as const) {
      const realmOf = realms[audience]
      guards.push({
        audience,
        plugin: guard(audience, { access: parts.access, sessions, impersonations, apiTokens, realmOf }),
      })
      const signIn = authRoutes({ people, passwords, sessions, idleLife: settings.idleLife, realmOf })
      const kind = audience === 'admin' ? ('operators' as const) : ('members' as const)
      const who = peopleRoutes({ kind, people, passwords, realmOf })
      const tokens = tokenRoutes({ kind, apiTokens, realmOf })
      const { issuer, idleLife } = settings
      const second = secondFactorRoutes({ people, sessions, secondFactors, issuer, idleLife, realmOf })
      for (const plugin of [signIn, who, tokens, second, jwksRoutes(keys)] as unknown as FastifyPluginAsync[])
        routes.push({ audience, plugin })
    }
    const bySlug = async (slug: string) => tenantRealm(await tenancy.bySlug(slug))
    const begin = operatorImpersonationRoutes(impersonations, bySlug) as unknown as FastifyPluginAsync
    const look = tenantImpersonationRoutes(impersonations, realms.tenant) as unknown as FastifyPluginAsync
    const elsewhere = ssoRoutes({
      sso,
      people,
      sessions,
      clock,
      key: ssoKey,
      idleLife: settings.idleLife,
      originOf: (request) => `https://${request.hostname}${edge.portInLinks}`,
      realmOf: realms.tenant,
    }) as unknown as FastifyPluginAsync
    routes.push({ audience: 'tenant', plugin: elsewhere })
    routes.push({ audience: 'admin', plugin: begin }, { audience: 'tenant', plugin: look })
    return {
      api: own,
      guards,
      routes,
      measures: identityMeasures({
        settings,
        edge,
        people,
        apiTokens,
        secondFactors,
        impersonations,
        sso,
        operators,
        sessions,
        keys,
        parts,
        ringOptions,
        canaries: tenancy.canaries.open,
      }),
      stop: async () => clearInterval(reload),
    }
  },
})
