import type { AccessTokens } from './accessTokens.ts'
import type { ApiTokens } from './apiTokens.ts'
import type { Impersonations } from './impersonations.ts'
import type { Invitations } from './invitations.ts'
import type { KeyRing } from './keyRing.ts'
import type { Passkeys } from './passkeys.ts'
import type { Passwords } from './passwords.ts'
import type { People } from './people.ts'
import type { Realm } from './realm.ts'
import type { SecondFactors } from './secondFactors.ts'
import type { ServiceAccounts } from './serviceAccounts.ts'
import type { Sessions } from './sessions.ts'
import type { SetUp } from './setUp.ts'
import type { Sso } from './sso.ts'

/** What other modules get from identity. */
export interface IdentityApi {
  passwords: Passwords
  people: People
  sessions: Sessions
  apiTokens: ApiTokens
  serviceAccounts: ServiceAccounts
  secondFactors: SecondFactors
  passkeys: Passkeys
  impersonations: Impersonations
  invitations: Invitations
  setUp: SetUp
  sso: Sso
  keys: KeyRing
  access: AccessTokens
  /** The people who run the deployment. */
  operators: Realm
}
