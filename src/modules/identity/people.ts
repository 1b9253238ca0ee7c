import { sql } from 'drizzle-orm'
import type { Clock } from '../../kernel/clock.ts'
import { newId } from '../../kernel/ids.ts'
import { defineProblem, Problem } from '../../kernel/problems.ts'
import { recordEvent } from './events.ts'
import type { Passwords } from './passwords.ts'
import { endSessionsOf, notSignedIn, type Person, unknownPerson } from './person.ts'
import type { Realm, Run } from './realm.ts'

const emailTaken = defineProblem({
  code: 'email-taken',
  status: 409,
  title: 'Somebody has this address already',
})

interface NewPerson {
  email: string
  name: string
  role: string
  /** Already judged; null for who signs in by other means. */
  password: string | null
}

const lastLeader = defineProblem({ code: 'last-owner', status: 409, title: 'Somebody must be in charge' })

/** Roles that may do everything: in a realm that has somebody, one of them stays. */
const LEADING = ['owner', 'admin']

/** `waiting`: was added and has never been here. */
type Listed = Person & { waiting: boolean }

/** What may be changed about a person. */
interface Change {
  role?: string | undefined
  state?: Person['state'] | undefined
}

/** Who signs in, and what is changed about them. */
export interface People {
  /** Throws a Problem `email-taken` (409). Returns the id. */
  add(realm: Realm, person: NewPerson): Promise<string>
  /**
   * The person whose e-mail and password these are; a hash of an older method is replaced on the way. Throws a Problem
   * `sign-in-refused` (401) that does not say what was wrong.
   */
  signIn(realm: Realm, email: string, password: string): Promise<Person & { password: string }>
  /**
   * Changes a password that its owner just proved to know (`old` is the stored hash): all sessions end. Throws a Problem
   * `sign-in-refused` (401) when it was changed meanwhile.
   */
  changePassword(realm: Realm, id: string, old: string, password: string): Promise<void>
  /**
   * Changes role or state; all sessions end. `allowed` is asked with the role that the person has and may throw. Throws a
   * Problem `person-unknown` (404), or `last-owner` (409).
   */
  change(realm: Realm, id: string, to: Change, allowed?: (role: string) => void): Promise<void>
  list(realm: Realm): Promise<Listed[]>
  /** The stored hash; null for who has none or does not exist. */
  passwordHashOf(realm: Realm, id: string): Promise<string | null>
  remove(realm: Realm, id: string): Promise<void>
}

/** People by their realm. */
export function openPeople(passwords: Passwords, clock: Clock): People {
  return {
    async add(realm, { email, name, role, password }) {
      const id = newId()
      const hash = password === null ? null : await passwords.hash(password)
      const added = await realm.transaction((run) =>
        run(sql`INSERT INTO identity.person (id, email, name, role, password, created_at)
          VALUES (${id}, ${email.toLowerCase()}, ${name}, ${role}, ${hash}, ${clock.now().toISOString()})
          ON CONFLICT DO NOTHING RETURNING id`),
      )
      if (added.length === 0) throw emailTaken('Sign in, or use another address.')
      return id
    },
    async signIn(realm, email, password) {
      const person = await realm.transaction((run) => findByEmail(run, email.toLowerCase()))
      const matches = await passwords.verify(password, person?.password ?? null)
      if (!person?.password || !matches || person.state !== 'active')
        throw notSignedIn('E-mail and password do not match an account.')
      const stored = passwords.outdated(person.password)
        ? await rehash(realm, passwords, person.id, person.password, password).catch(
            keepWhenReadOnly(person.password),
          )
        : person.password
      return { ...person, password: stored }
    },
    async changePassword(realm, id, old, password) {
      const hash = await passwords.hash(password)
      await realm.transaction(async (run) => {
        const changed = await run(
          sql`UPDATE identity.person SET password = ${hash} WHERE id = ${id} AND password = ${old} RETURNING id`,
        )
        if (changed.length === 0) throw notSignedIn('The account changed meanwhile; sign in again.')
        await endSessionsOf(run, id, 'password-changed', clock.now())
        await recordEvent(run, clock.now(), 'password-changed', id)
      })
    },
    change: (realm, id, to, allowed) =>
      realm.transaction((run) => changePerson(run, id, to, clock.now(), allowed)),
    list: (realm) =>
      realm.transaction((run) =>
        run<Listed>(sql`SELECT id, email, name, role, state,
            password IS NULL AND NOT EXISTS (SELECT FROM identity.session s WHERE s.person_id = p.id) AS waiting
          FROM identity.person p WHERE kind = 'person' ORDER BY email LIMIT 1000`),
      ),
    async passwordHashOf(realm, id) {
      const [row] = await realm.transaction((run) =>
        run<{ password: string | null }>(sql`SELECT password FROM identity.person WHERE id = ${id}`),
      )
      return row?.password ?? null
    },
    async remove(realm, id) {
      await realm.transaction((run) => run(sql`DELETE FROM identity.person WHERE id = ${id}`))
    },
  }
}

async function changePerson(
  run: Run,
  id: string,
  to: Change,
  at: Date,
  allowed?: (role: string) => void,
): Promise<void> {
  // All leading people are held, so that two of them cannot step down at once and leave nobody.
  const held = await run<{
    id: string
    role: string
    state: string
  }>(sql`SELECT id, role, state FROM identity.person
    WHERE kind = 'person' AND (id = ${id} OR (role IN ${LEADING} AND state = 'active')) ORDER BY id FOR UPDATE`)
  const person = held.find((one) => one.id === id)
  if (!person) throw unknownPerson('Nobody has this id.')
  allowed?.(person.role)
  const leads = (role: string, state: string) => LEADING.includes(role) && state === 'active'
  const others = held.some((one) => one.id !== id && leads(one.role, one.state))
  if (leads(person.role, person.state) && !leads(to.role ?? person.role, to.state ?? person.state) && !others)
    throw lastLeader('Give the role to somebody else first.')
  await run(sql`UPDATE identity.person SET role = ${to.role ?? person.role}, state = ${to.state ?? person.state}
    WHERE id = ${id}`)
  const kind = to.state === 'disabled' ? 'person-disabled' : 'role-changed'
  await endSessionsOf(run, id, kind, at)
  await recordEvent(run, at, kind, id, { ...to })
}

type Stored = Person & { password: string | null }

async function findByEmail(run: Run, email: string): Promise<Stored | undefined> {
  const [found] = await run<Stored>(
    sql`SELECT id, email, name, role, state, password FROM identity.person WHERE email = ${email}`,
  )
  return found
}

/** The people of a suspended tenant still sign in; a newer hash waits until it may write again. */
function keepWhenReadOnly(hash: string): (error: { code?: string }) => string {
  return (error) => {
    if (error.code !== 'tenant-read-only') throw error
    return hash
  }
}

/**
 * Names the old hash, so that a password changed in the meantime is never overwritten. Returns the hash that now stands:
 * the old one in a suspended tenant, where people still sign in and nothing else is changed.
 */
async function rehash(
  realm: Realm,
  passwords: Passwords,
  id: string,
  old: string,
  password: string,
): Promise<string> {
  const hash = await passwords.hash(password)
  const replaced = await realm
    .transaction((run) =>
      run(
        sql`UPDATE identity.person SET password = ${hash} WHERE id = ${id} AND password = ${old} RETURNING id`,
      ),
    )
    .catch((error: unknown) => {
      if (error instanceof Problem && error.code === 'tenant-read-only') return []
      throw error
    })
  return replaced.length > 0 ? hash : old
}
