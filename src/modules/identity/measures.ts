import type { Measure } from '../../proof/measure.ts'
import type { EdgeApi } from '../edge/index.ts'
import type { CanaryPair } from '../tenancy/index.ts'
import type { ApiTokens } from './apiTokens.ts'
import type { Impersonations } from './impersonations.ts'
import type { KeyRing, RingOptions } from './keyRing.ts'
import { accessAuthorised } from './measures/access-authorised.ts'
import { accessCustomerUsers } from './measures/access-customer-users.ts'
import { accessLeastPrivilege } from './measures/access-least-privilege.ts'
import { accessRole2fa } from './measures/access-role-2fa.ts'
import { admin2fa } from './measures/admin-2fa.ts'
import { apitokenHash } from './measures/auth-apitoken-hash.ts'
import { jwtEs256 } from './measures/auth-jwt-es256.ts'
import { jwtKid } from './measures/auth-jwt-kid.ts'
import { jwtPassword } from './measures/auth-jwt-password.ts'
import { authLocal } from './measures/auth-local.ts'
import { passwordHash } from './measures/auth-password-hash.ts'
import { passwordRehash } from './measures/auth-password-rehash.ts'
import { refreshFamilyMeasure } from './measures/auth-refresh-family.ts'
import { refreshTheft } from './measures/auth-refresh-theft.ts'
import { authSso } from './measures/auth-sso.ts'
import { impersonationAudit } from './measures/impersonation-audit.ts'
import { impersonationTtl } from './measures/impersonation-ttl.ts'
import type { People } from './people.ts'
import type { Realm } from './realm.ts'
import type { SecondFactors } from './secondFactors.ts'
import type { ServiceAccounts } from './serviceAccounts.ts'
import type { SessionParts, Sessions } from './sessions.ts'
import type { IdentitySettings } from './settings.ts'
import type { Sso } from './sso.ts'

/** What the probes of this module are given. */
export interface MeasureParts {
  settings: IdentitySettings
  edge: EdgeApi
  people: People
  apiTokens: ApiTokens
  serviceAccounts: ServiceAccounts
  secondFactors: SecondFactors
  impersonations: Impersonations
  sso: Sso
  operators: Realm
  sessions: Sessions
  keys: KeyRing
  /** What the running sessions are made of; a probe makes its own with another clock. */
  parts: SessionParts
  ringOptions: Omit<RingOptions, 'ring' | 'clock'>
  canaries: () => Promise<CanaryPair[]>
}

/** Every claim that this module makes. */
export function identityMeasures(given: MeasureParts): Measure[] {
  const { settings, people, canaries } = given
  return [
    passwordHash(settings, people, canaries),
    passwordRehash(settings, people, canaries),
    jwtEs256(given),
    jwtKid(given),
    jwtPassword(given),
    authLocal(given),
    apitokenHash(given),
    accessCustomerUsers(given),
    accessLeastPrivilege(given),
    accessAuthorised(given),
    accessRole2fa(given),
    admin2fa(given),
    authSso(given),
    impersonationTtl(given),
    impersonationAudit(given),
    refreshFamilyMeasure(given),
    refreshTheft(given),
  ]
}
