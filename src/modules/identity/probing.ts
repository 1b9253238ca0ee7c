import { sql } from 'drizzle-orm'
import { newId } from '../../kernel/ids.ts'
import type { EdgeAnswer, EdgeApi } from '../edge/index.ts'
import type { CanaryPair } from '../tenancy/index.ts'
import type { People } from './people.ts'
import { type Realm, tenantRealm } from './realm.ts'
import type { ServiceAccounts } from './serviceAccounts.ts'
import type { Sessions, Tokens } from './sessions.ts'

/** Somebody who exists for the length of one probe. */
export interface Visitor {
  realm: Realm
  id: string
  email: string
  password: string
}

/** Runs `work` with a person in each attacking canary, and removes the person afterwards whatever happens. */
export async function withVisitors(
  people: People,
  canaries: readonly CanaryPair[],
  work: (visitor: Visitor, model: string) => Promise<void>,
): Promise<void> {
  for (const { model, a } of canaries) {
    const realm = tenantRealm(a)
    await withVisitor(people, realm, (visitor) => work(visitor, model))
  }
}

/** Runs `work` with a new person of `realm` whose password nobody else has. */
export async function withVisitor<T>(
  people: People,
  realm: Realm,
  work: (visitor: Visitor) => Promise<T>,
  { password = `visit ${newId()}`, role = 'reader' }: { password?: string; role?: string } = {},
): Promise<T> {
  const email = `visitor-${newId()}@canary.invalid`
  const id = await people.add(realm, { email, name: 'Visitor', role, password })
  try {
    return await work({ realm, id, email, password })
  } finally {
    await people.remove(realm, id)
  }
}

/** The password column of a person, as it stands in the database. */
export async function storedPassword(people: People, { realm, id }: Visitor): Promise<string> {
  return (await people.passwordHashOf(realm, id)) ?? ''
}

/** Puts `hash` into the password column of a person. */
export async function storePassword({ realm, id }: Visitor, hash: string): Promise<void> {
  await realm.transaction((run) => run(sql`UPDATE identity.person SET password = ${hash} WHERE id = ${id}`))
}

/** What became of an attempt, as a word for a check. */
export function outcomeOf(attempt: Promise<unknown>): Promise<string> {
  return attempt.then(
    () => 'taken',
    (error: { code?: string; status?: number }) => {
      if (!error.code) throw error
      return error.code
    },
  )
}

/** A new session of the visitor. */
export async function familyOf(
  sessions: Sessions,
  people: People,
  { realm, id }: Visitor,
  factors = ['pwd'],
): Promise<Tokens> {
  const password = await people.passwordHashOf(realm, id)
  return sessions.begin(realm, { id, password }, { device: 'probe', factors })
}

/** What became of presenting a refresh token. */
export function refreshOutcome(sessions: Sessions, realm: Realm, token: string): Promise<string> {
  return outcomeOf(sessions.refresh(realm, token))
}

/** Asks through the front door in a session of the visitor's own. */
export async function asking(
  edge: EdgeApi,
  host: string,
  people: People,
  sessions: Sessions,
  visitor: Visitor,
  factors?: string[],
): Promise<(method: string, path: string, body?: unknown) => Promise<EdgeAnswer>> {
  const { access } = await familyOf(sessions, people, visitor, factors)
  const authorization = `Bearer ${access}`
  return (method, path, body) =>
    edge.request({
      host,
      method,
      path,
      headers: { authorization, ...(body ? { 'content-type': 'application/json' } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
}

/** The status of an answer that went well, else the code of its problem. */
export function codeOfProblem({ status, body }: EdgeAnswer): string {
  return status < 400 ? String(status) : (JSON.parse(body) as { code: string }).code
}

/** A program that exists for the length of one probe, with a token that is as good as its role. */
export interface Program {
  realm: Realm
  id: string
  token: string
}

/** Runs `work` with a new service account of `realm`, and removes it afterwards whatever happens. */
export async function withProgram<T>(
  { people, serviceAccounts }: { people: People; serviceAccounts: ServiceAccounts },
  realm: Realm,
  role: string,
  work: (program: Program) => Promise<T>,
): Promise<T> {
  const id = await serviceAccounts.add(realm, { name: 'Probe', role }, PROBE)
  try {
    return await work({ realm, id, token: await tokenOf(serviceAccounts, realm, id) })
  } finally {
    await people.remove(realm, id)
  }
}

/** A new token of the program `id`, limited by nothing but its role. */
export async function tokenOf(serviceAccounts: ServiceAccounts, realm: Realm, id: string): Promise<string> {
  const about = { name: 'probe', permissions: ['*.*'], life: 3_600_000 }
  return (await serviceAccounts.issue(realm, id, about, PROBE, () => undefined)).token
}

/** Who does what a probe does to service accounts. */
export const PROBE = 'probe'
