/** Who is signed in. */
export interface Me {
  id: string
  email: string
  name: string
  role: string
  permissions: string[]
  session: string | null
  secondFactorDue: boolean
  /** The operator who acts in this person's name. */
  impersonator: string | null
}

export interface Person {
  id: string
  email: string
  name: string
  role: string
  state: 'active' | 'disabled'
  /** Was invited and has never been here. */
  waiting: boolean
}

export interface Invitation {
  link: string
  expiresAt: string
  mailed: boolean
}

export interface Role {
  role: string
  permissions: string[]
  secondFactor: boolean
}

export interface ApiToken {
  id: string
  name: string
  permissions: string[]
  expiresAt: string
  lastUsedAt: string | null
}

/** A program that has access. */
export interface ServiceAccount {
  id: string
  name: string
  role: string
  state: 'active' | 'disabled'
  tokens: ApiToken[]
}

export interface SecondFactors {
  totp: boolean
  /** How many there are. */
  passkeys: number
  /** How many are left. */
  recoveryCodes: number
  password: boolean
}

export interface Passkey {
  id: string
  name: string
  createdAt: string
  lastUsedAt: string | null
}

export interface Session {
  id: string
  device: string
  startedAt: string
  lastUsedAt: string
}

export interface AccessEvent {
  id: string
  kind: string
  at: string
  details: Record<string, unknown>
}

export interface Impersonation {
  id: string
  personId: string
  operator: string
  reason: string
  startedAt: string
  expiresAt: string
  endedAt: string | null
}

export interface Tenant {
  slug: string
  name: string
  state: 'active' | 'suspended'
}

/** How long a suspended tenant stays online. */
export interface Account {
  erasedAfter: string | null
  daysLeft: number | null
}

export interface TenantLine extends Tenant {
  model: 'database' | 'rows'
  hosts: string[]
}

export interface AuditEntry {
  id: string
  at: string
  /** `member:<id>`, with `+operator:<id>` for an act in that name; empty for nobody named. */
  who: string
  act: string
  target: string
  before: Record<string, unknown> | null
  after: Record<string, unknown> | null
}

export interface Bill {
  /** At the payment provider; null when none runs. */
  subscription: string | null
  bookings: { payment: string; kind: string; amount: string; currency: string; bookedAt: string }[]
}

export interface Backup {
  id: string
  slug: string
  class: 'recent' | 'archive'
  /** The moment that it holds; null while it is written. */
  snapshotAt: string | null
  expiresAt: string
  bytes: number | null
}

export interface Drills {
  drills: { id: string; slug: string; endedAt: string; passed: boolean; rtoMs: number; rpoMs: number }[]
}

/** As much of an OpenAPI document as the pages read. */
export interface Document {
  paths: Record<string, Record<string, { 'x-permission'?: string }>>
}

interface Started {
  session: string
  /** Seconds after which to refresh. */
  accessFor: number
}
type ById = { path: { id: string } }

/** The routes that the pages ask, by method and path. A test holds them against the OpenAPI documents. */
export interface Routes {
  'GET /api/v1/openapi.json': { answer: Document }
  'GET /api/v1/tenant': { answer: Tenant }
  'GET /api/v1/account': { answer: Account }
  'GET /api/v1/tenants': { answer: TenantLine[] }
  'PUT /api/v1/tenants/:slug/state': {
    path: { slug: string }
    body: { state: Tenant['state'] }
    answer: { state: Tenant['state'] }
  }
  'GET /api/v1/auth/me': { answer: Me }
  'GET /api/v1/auth/sso': { answer: { name: string }[] }
  'POST /api/v1/auth/sso/link': { body: { email: string; password: string }; answer: { session: string } }
  'POST /api/v1/auth/sign-in': { body: { email: string; password: string }; answer: Started }
  'POST /api/v1/auth/refresh': { answer: Started }
  'POST /api/v1/auth/sign-out': { answer: null }
  'POST /api/v1/auth/password': { body: { current: string; next: string }; answer: null }
  'POST /api/v1/auth/forgotten-password': { body: { email: string }; answer: null }
  'POST /api/v1/auth/invitation': {
    body: { token: string }
    answer: { email: string; name: string; passwordLength: number }
  }
  'POST /api/v1/auth/invitation/accept': { body: { token: string; password: string }; answer: null }
  'GET /api/v1/set-up': { answer: { open: boolean } }
  'POST /api/v1/set-up/link': { body: { token: string }; answer: { passwordLength: number } }
  'POST /api/v1/set-up': {
    body: { token: string; name: string; email: string; password: string }
    answer: null
  }
  'GET /api/v1/auth/second-factors': { answer: SecondFactors }
  'POST /api/v1/auth/totp': { answer: { secret: string; uri: string } }
  'POST /api/v1/auth/totp/confirm': { body: { code: string }; answer: { recoveryCodes: string[] | null } }
  'DELETE /api/v1/auth/totp': { body: { password: string; code: string }; answer: null }
  'POST /api/v1/auth/second-factor': { body: { code: string }; answer: { session: string } }
  'GET /api/v1/auth/passkeys': { answer: Passkey[] }
  'POST /api/v1/auth/passkeys/options': { answer: PublicKeyCredentialCreationOptionsJSON }
  'POST /api/v1/auth/passkeys': {
    body: { name: string; response: unknown }
    answer: { recoveryCodes: string[] | null }
  }
  'DELETE /api/v1/auth/passkeys/:id': ById & { answer: null }
  'POST /api/v1/auth/passkey/options': { answer: PublicKeyCredentialRequestOptionsJSON }
  'POST /api/v1/auth/passkey': { body: { response: unknown }; answer: { session: string } }
  'POST /api/v1/auth/passkey/sign-in/options': { answer: PublicKeyCredentialRequestOptionsJSON }
  'POST /api/v1/auth/passkey/sign-in': { body: { response: unknown }; answer: { session: string } }
  'GET /api/v1/auth/sessions': { answer: Session[] }
  'DELETE /api/v1/auth/sessions': { answer: null }
  'DELETE /api/v1/auth/sessions/:id': ById & { answer: null }
  'GET /api/v1/auth/events': { answer: AccessEvent[] }
  'GET /api/v1/auth/tokens': { answer: ApiToken[] }
  'POST /api/v1/auth/tokens': {
    body: { name: string; permissions: string[]; days: number }
    answer: { id: string; token: string }
  }
  'DELETE /api/v1/auth/tokens/:id': ById & { answer: null }
  'GET /api/v1/service-accounts': { answer: ServiceAccount[] }
  'POST /api/v1/service-accounts': { body: { name: string; role: string }; answer: { id: string } }
  'PATCH /api/v1/service-accounts/:id': ById & {
    body: { role?: string; state?: ServiceAccount['state'] }
    answer: null
  }
  'POST /api/v1/service-accounts/:id/tokens': ById & {
    body: { name: string; permissions: string[]; days: number }
    answer: { id: string; token: string }
  }
  'DELETE /api/v1/service-accounts/:id/tokens/:token': {
    path: { id: string; token: string }
    answer: null
  }
  'GET /api/v1/people': { answer: Person[] }
  'POST /api/v1/people': { body: { email: string; name: string; role: string }; answer: { id: string } }
  'PATCH /api/v1/people/:id': ById & { body: { role?: string; state?: Person['state'] }; answer: null }
  'POST /api/v1/people/:id/invitation': ById & { answer: Invitation }
  'POST /api/v1/people/:id/reset': ById & { answer: Invitation }
  'GET /api/v1/roles': { answer: Role[] }
  'PUT /api/v1/roles/:role/second-factor': {
    path: { role: string }
    body: { needed: boolean }
    answer: null
  }
  'GET /api/v1/audit': {
    query: { cursor?: string }
    answer: { entries: AuditEntry[]; next: string | null }
  }
  'GET /api/v1/billing': { answer: Bill }
  'GET /api/v1/backups': { answer: Backup[] }
  'GET /api/v1/drills': { answer: Drills }
  'POST /api/v1/drills': { answer: { job: string } }
  'GET /api/v1/impersonations': { answer: Impersonation[] }
  'POST /api/v1/impersonations': {
    body: { tenant: string; email: string; reason: string }
    answer: { id: string; token: string; expiresAt: string }
  }
  'GET /api/v1/impersonations/:id/events': ById & { answer: AccessEvent[] }
  'POST /api/v1/impersonations/:id/end': ById & { answer: null }
}
