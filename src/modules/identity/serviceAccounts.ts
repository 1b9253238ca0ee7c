import { sql } from 'drizzle-orm'
import type { Clock } from '../../kernel/clock.ts'
import { newId } from '../../kernel/ids.ts'
import { defineProblem } from '../../kernel/problems.ts'
import { type ApiTokenLine, insertToken, listTokens, type NewToken, revokeTokens } from './apiTokens.ts'
import { recordEvent } from './events.ts'
import type { Person } from './person.ts'
import type { Realm, Run } from './realm.ts'

const unknownAccount = defineProblem({
  code: 'service-account-unknown',
  status: 404,
  title: 'No such service account',
})

const disabled = defineProblem({
  code: 'service-account-disabled',
  status: 409,
  title: 'The service account is disabled',
})

/** A program as those see it who manage it. */
interface ServiceAccount extends Pick<Person, 'id' | 'name' | 'role' | 'state'> {
  tokens: ApiTokenLine[]
}

interface Change {
  role?: string | undefined
  state?: Person['state'] | undefined
}

/** What is asked with the account's role before anything is done to it; may throw. */
type Allowed = (role: string) => void

/**
 * Accounts that are programs. They have no address and no password: nobody signs in as one, invites one, resets one or
 * acts in its name. All that they have is API tokens, which stay when whoever made them goes. `by`: who does it.
 */
export interface ServiceAccounts {
  add(realm: Realm, account: { name: string; role: string }, by: string): Promise<string>
  list(realm: Realm): Promise<ServiceAccount[]>
  /** Changes role or state. Its tokens end with a new role, and when it is disabled. Throws `service-account-unknown` (404). */
  change(realm: Realm, id: string, to: Change, by: string, allowed: Allowed): Promise<void>
  /** The token is given here and never again. Throws `service-account-unknown` (404) or `service-account-disabled` (409). */
  issue(
    realm: Realm,
    id: string,
    token: NewToken,
    by: string,
    allowed: Allowed,
  ): Promise<{ id: string; token: string }>
  /** False when it is none of the account's, or revoked already. */
  revoke(realm: Realm, id: string, token: string, by: string, allowed: Allowed): Promise<boolean>
}

export function openServiceAccounts(clock: Clock): ServiceAccounts {
  return {
    async add(realm, { name, role }, by) {
      const id = newId()
      const at = clock.now()
      await realm.transaction(async (run) => {
        await run(sql`INSERT INTO identity.person (id, kind, name, role, created_at)
          VALUES (${id}, 'service', ${name}, ${role}, ${at.toISOString()})`)
        await recordEvent(run, at, 'service-account-added', id, { name, role, by })
      })
      return id
    },
    list: (realm) =>
      realm.transaction(async (run) => {
        const accounts = await run<Omit<ServiceAccount, 'tokens'>>(sql`SELECT id, name, role, state
          FROM identity.person WHERE kind = 'service' ORDER BY name, id LIMIT 1000`)
        const tokens = await listTokens(
          run,
          sql`person_id IN (SELECT id FROM identity.person WHERE kind = 'service')`,
        )
        return accounts.map((account) => ({
          ...account,
          tokens: tokens.filter(({ personId }) => personId === account.id),
        }))
      }),
    change: (realm, id, to, by, allowed) =>
      realm.transaction(async (run) => {
        const { role, state } = await hold(run, id, allowed)
        const next = { role: to.role ?? role, state: to.state ?? state }
        await run(sql`UPDATE identity.person SET role = ${next.role}, state = ${next.state} WHERE id = ${id}`)
        if (next.role !== role || next.state === 'disabled')
          await revokeTokens(run, sql`person_id = ${id}`, clock.now())
        await recordEvent(run, clock.now(), 'service-account-changed', id, { ...to, by })
      }),
    issue: (realm, id, token, by, allowed) =>
      realm.transaction(async (run) => {
        const { state } = await hold(run, id, allowed)
        if (state !== 'active') throw disabled('Give it access again first.')
        const made = await insertToken(run, id, token, clock.now())
        await recordEvent(run, clock.now(), 'token-made', id, { token: made.id, name: token.name, by })
        return made
      }),
    revoke: (realm, id, token, by, allowed) =>
      realm.transaction(async (run) => {
        await hold(run, id, allowed)
        const revoked = await revokeTokens(run, sql`id = ${token} AND person_id = ${id}`, clock.now())
        if (revoked > 0) await recordEvent(run, clock.now(), 'token-revoked', id, { token, by })
        return revoked > 0
      }),
  }
}

/** The account, held until the transaction ends, so that no token is made for a role that it has just lost. */
async function hold(run: Run, id: string, allowed: Allowed): Promise<Pick<Person, 'role' | 'state'>> {
  const [account] = await run<Pick<Person, 'role' | 'state'>>(
    sql`SELECT role, state FROM identity.person WHERE id = ${id} AND kind = 'service' FOR UPDATE`,
  )
  if (!account) throw unknownAccount('No program has this id.')
  allowed(account.role)
  return account
}
