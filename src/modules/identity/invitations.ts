import { sql } from 'drizzle-orm'
import type { Clock } from '../../kernel/clock.ts'
import { defineProblem } from '../../kernel/problems.ts'
import { recordEvent } from './events.ts'
import type { Passwords } from './passwords.ts'
import { type Person, unknownPerson } from './person.ts'
import type { Realm, Run } from './realm.ts'
import { seal, unseal } from './seal.ts'

const refused = defineProblem({
  code: 'invitation-refused',
  status: 403,
  title: 'This invitation is not good any more',
})
const joined = defineProblem({
  code: 'already-joined',
  status: 409,
  title: 'This person has signed in already',
})

/** Milliseconds that an invitation may be accepted. */
const LIFE = 7 * 86_400_000

/** A link's secret half, and until when it is good. */
interface Invitation {
  token: string
  expiresAt: string
}

/** How somebody chooses a first password. Nothing is stored: an invitation ends when the person comes in. */
export interface Invitations {
  /** For an active person who never signed in. Throws `person-unknown` (404) or `already-joined` (409). */
  make(realm: Realm, personId: string): Promise<Invitation>
  /**
   * For an active person who cannot get in any more: takes away password, second factors, sessions and API tokens, and
   * invites anew; invitations from before are not good any more. `allowed` is asked with the person's role and may throw.
   * Throws `person-unknown` (404).
   */
  reset(realm: Realm, personId: string, allowed: (role: string) => void): Promise<Invitation>
  /** Whom it is for. Throws `invitation-refused` (403). */
  read(realm: Realm, token: string): Promise<Person>
  /** Sets the first password. Throws `invitation-refused` (403), or what `passwords.judge` throws. */
  accept(realm: Realm, token: string, password: string): Promise<void>
}

/** The address of the page that takes an invitation; the token stands where no server sees it. */
export const invitationLink = (origin: string, token: string): string =>
  `${origin}/office/invitation#${token}`

/** What is sealed in a token. */
interface Content {
  person: string
  until: number
  /** How often the person's access had been reset by then. */
  resets: number
}

/** What a reset takes away. */
const KEPT_IN = ['session', 'totp', 'passkey', 'recovery_code', 'api_token']

export function openInvitations(key: Uint8Array, passwords: Passwords, clock: Clock): Invitations {
  const bound = (realm: Realm) => `invitation ${realm.name}`
  const write = (realm: Realm, person: string, resets: number): Invitation => {
    const until = clock.now().getTime() + LIFE
    const content: Content = { person, until, resets }
    const token = seal(Buffer.from(JSON.stringify(content)), key, bound(realm)).toString('base64url')
    return { token, expiresAt: new Date(until).toISOString() }
  }
  const open = (realm: Realm, token: string): Content => {
    try {
      const text = unseal(Buffer.from(token, 'base64url'), key, bound(realm)).toString()
      const content = JSON.parse(text) as Content
      if (content.until > clock.now().getTime()) return content
    } catch {
      // Not ours, of another realm, or cut short: as one that is too old.
    }
    throw notGood()
  }
  const admit = async (run: Run, { person, resets }: Content): Promise<Person> => {
    const waiting = await findWaiting(run, person)
    if (waiting?.resets !== resets) throw notGood()
    return waiting
  }
  return {
    read: async (realm, token) => {
      const content = open(realm, token)
      return realm.transaction((run) => admit(run, content))
    },
    make: (realm, personId) =>
      realm.transaction(async (run) => {
        const [known] = await run(
          sql`SELECT id FROM identity.person WHERE id = ${personId} AND kind = 'person'`,
        )
        if (!known) throw unknownPerson('Nobody has this id.')
        const waiting = await findWaiting(run, personId)
        if (!waiting) throw joined('They sign in by what they have; or reset their access.')
        await recordEvent(run, clock.now(), 'invited', personId)
        return write(realm, personId, waiting.resets)
      }),
    reset: (realm, personId, allowed) =>
      realm.transaction(async (run) => {
        const [person] = await run<Person>(
          sql`SELECT role FROM identity.person WHERE id = ${personId} AND kind = 'person' AND state = 'active' FOR UPDATE`,
        )
        if (!person) throw unknownPerson('Nobody who has access has this id.')
        allowed(person.role)
        await run(sql`UPDATE identity.person SET password = NULL WHERE id = ${personId}`)
        for (const table of KEPT_IN)
          await run(sql`DELETE FROM identity.${sql.identifier(table)} WHERE person_id = ${personId}`)
        await recordEvent(run, clock.now(), 'access-reset', personId)
        const waiting = await findWaiting(run, personId)
        return write(realm, personId, waiting?.resets ?? 0)
      }),
    async accept(realm, token, password) {
      const content = open(realm, token)
      const { id, email, name } = await realm.transaction((run) => admit(run, content))
      await passwords.judge(password, { words: [email, name], secondFactor: false })
      const hash = await passwords.hash(password)
      await realm.transaction(async (run) => {
        // Held before it is looked at again: of two who accept at once, or of one and a reset, the second sees the first.
        await run(sql`SELECT id FROM identity.person WHERE id = ${id} FOR UPDATE`)
        await admit(run, content)
        await run(sql`UPDATE identity.person SET password = ${hash} WHERE id = ${id}`)
        await recordEvent(run, clock.now(), 'invitation-accepted', id)
      })
    },
  }
}

const notGood = () => refused('Ask for a new one, or sign in if you have been here before.')

/** The person, while nobody is in the account: it is active, has no password, and no session since the last reset. */
async function findWaiting(run: Run, id: string): Promise<(Person & { resets: number }) | undefined> {
  const [person] = await run<Person & { resets: number }>(sql`SELECT id, email, name, role, state,
      (SELECT count(*)::int FROM identity.event e WHERE e.person_id = p.id AND e.kind = 'access-reset') AS resets
    FROM identity.person p WHERE id = ${id} AND kind = 'person' AND state = 'active' AND password IS NULL
      AND NOT EXISTS (SELECT FROM identity.session s WHERE s.person_id = p.id)`)
  return person
}
