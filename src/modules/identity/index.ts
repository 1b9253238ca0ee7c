import { stores } from '../../data/index.ts'
import { keepSecret } from '../../data/secrets.ts'
import { defineModule } from '../../kernel/module.ts'
import { api } from '../api/index.ts'
import { edge } from '../edge/index.ts'
import { type EgressSettings, egress } from '../egress/index.ts'
import { mail } from '../mail/index.ts'
import { tenancy } from '../tenancy/index.ts'
import { openAccessTokens } from './accessTokens.ts'
import { openApiTokens } from './apiTokens.ts'
import { openRecoveryCodes } from './enrolment.ts'
import { identityRoutes } from './front.ts'
import { openGraceWindow } from './graceWindow.ts'
import type { IdentityApi } from './identityApi.ts'
import { openImpersonations } from './impersonations.ts'
import { openInvitations } from './invitations.ts'
import { openKeyRing } from './keyRing.ts'
import { identityMeasures } from './measures.ts'
import { openNotices } from './notices.ts'
import { openPasskeys } from './passkeys.ts'
import { openPasswords } from './passwords.ts'
import { openPeople } from './people.ts'
import { operatorRealm, tenantRealm } from './realm.ts'
import { openRefreshTokens } from './refreshTokens.ts'
import { openResets } from './resets.ts'
import { openSecondFactors } from './secondFactors.ts'
import { openServiceAccounts } from './serviceAccounts.ts'
import { openSessions, type SessionParts } from './sessions.ts'
import { identitySettings } from './settings.ts'
import { openSetUp } from './setUp.ts'
import { openSso, unregistered } from './sso.ts'

export type { IdentityApi } from './identityApi.ts'
export { invitationLink } from './invitations.ts'
export { memberRoles, operatorRoles } from './permissions.ts'
export { operatorRealm, type Realm, tenantRealm } from './realm.ts'
export { offerSetUp, setUpLink } from './setUp.ts'

/** Other processes' changes of the signing keys are read this often (ms). */
const RELOAD_EVERY = 10_000

/** Tokens are accepted a little beyond their life, for clocks that differ (ms). */
const TOLERANCE = 10_000

/** Who may do what: members of tenants, operators, how they sign in and what they may. */
export const identity = defineModule({
  name: 'identity',
  needs: { stores, edge, tenancy, api, mail, egress },
  settings: identitySettings,
  migrations: {
    control: new URL('./migrations/control/', import.meta.url),
    tenant: new URL('./migrations/tenant/', import.meta.url),
  },
  contradictions: (own, all) => [
    ...unregistered(own.sso, (all.egress as EgressSettings).register),
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
  async start({ settings, clock, log }, { stores, edge, tenancy, mail, egress }) {
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
    const notices = openNotices({ log, mail })
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
      onAlarm: (realm, alarm) => {
        log.warn({ alarm: alarm.kind, realm: realm.name, ...alarm }, 'a session was ended for safety')
        notices.tell(realm, alarm.personId, 'session-ended')
      },
    }
    const sessions = openSessions(parts)
    const operators = operatorRealm(stores.control)
    const apiTokens = openApiTokens(clock)
    const serviceAccounts = openServiceAccounts(clock)
    const impersonations = openImpersonations({
      access: parts.access,
      operators,
      clock,
      life: settings.impersonationLife,
    })
    const ssoKey = secret('identity-sso')
    const sso = openSso(settings.sso, {
      key: ssoKey,
      clock,
      sessionLife: settings.sessionLife,
      ask: (url, init) => egress.fetch({ module: 'identity', tenant: null, purpose: 'sso' }, url, init),
    })
    const factorsKey = secret('identity-second-factors')
    const recovery = openRecoveryCodes(factorsKey)
    const secondFactors = openSecondFactors(factorsKey, recovery, clock)
    const passkeys = openPasskeys(recovery, settings.issuer, clock)
    const invitations = openInvitations(secret('identity-invitations'), passwords, clock)
    const resets = openResets({ key: secret('identity-resets'), passwords, people, mail, clock })
    const own: IdentityApi = {
      passwords,
      people,
      sessions,
      apiTokens,
      serviceAccounts,
      secondFactors,
      passkeys,
      impersonations,
      invitations,
      setUp: openSetUp({ operators, secrets: stores.secrets, passwords, clock }),
      sso,
      keys,
      access: parts.access,
      operators,
    }
    const reload = setInterval(() => {
      keys.reload().catch((error: unknown) => log.warn({ err: error }, 'signing keys not read'))
    }, RELOAD_EVERY).unref()

    const { guards, routes } = identityRoutes(own, {
      settings,
      clock,
      log,
      mail,
      notices,
      resets,
      ssoKey,
      portInLinks: edge.portInLinks,
      bySlug: async (slug) => tenantRealm(await tenancy.bySlug(slug)),
    })
    return {
      api: own,
      guards,
      routes,
      measures: identityMeasures({
        settings,
        edge,
        people,
        apiTokens,
        serviceAccounts,
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
