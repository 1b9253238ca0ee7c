import { sql } from 'drizzle-orm'
import type { Clock } from '../../kernel/clock.ts'
import { newId } from '../../kernel/ids.ts'
import { defineProblem } from '../../kernel/problems.ts'
import type { Passwords } from './passwords.ts'
import type { Realm, Run } from './realm.ts'

const emailTaken = defineProblem({
  code: 'email-taken',
  status: 409,
  title: 'Somebody has this address already',
})

/** The same for an unknown address, a wrong password and a disabled person. */
export const notSignedIn = defineProblem({ code: 'sign-in-refused', status: 401, title: 'Not signed in' })

/** Somebody who may sign in. */
export interface Person {
  id: string
  email: string
  name: string
  role: string
  state: 'active' | 'disabled'
}

interface NewPerson {
  email: string
  name: string
  role: string
  /** Already judged; null for who signs in by other means. */
  password: string | null
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
        ? await rehash(realm, passwords, person.id, person.password, password)
        : person.password
      return { ...person, password: stored }
    },
    async remove(realm, id) {
      await realm.transaction((run) => run(sql`DELETE FROM identity.person WHERE id = ${id}`))
    },
  }
}

type Stored = Person & { password: string | null }

async function findByEmail(run: Run, email: string): Promise<Stored | undefined> {
  const [found] = await run<Stored>(
    sql`SELECT id, email, name, role, state, password FROM identity.person WHERE email = ${email}`,
  )
  return found
}

/** Names the old hash, so that a password changed in the meantime is never overwritten. Returns the hash that now stands. */
async function rehash(
  realm: Realm,
  passwords: Passwords,
  id: string,
  old: string,
  password: string,
): Promise<string> {
  const hash = await passwords.hash(password)
  const replaced = await realm.transaction((run) =>
    run(
      sql`UPDATE identity.person SET password = ${hash} WHERE id = ${id} AND password = ${old} RETURNING id`,
    ),
  )
  return replaced.length > 0 ? hash : old
}
