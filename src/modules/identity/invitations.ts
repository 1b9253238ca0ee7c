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

/** How somebody who was added chooses a first password. Nothing is stored: an invitation ends when the person comes in. */
export interface Invitations {
  /** For an active person who never signed in. Throws `person-unknown` (404) or `already-joined` (409). */
  make(realm: Realm, personId: string): Promise<{ token: string; expiresAt: string }>
  /** Whom it is for. Throws `invitation-refused` (403). */
  read(realm: Realm, token: string): Promise<Person>
  /** Sets the first password. Throws `invitation-refused` (403), or what `passwords.judge` throws. */
  accept(realm: Realm, token: string, password: string): Promise<void>
}

/** The address of the page that takes an invitation; the token stands where no server sees it. */
export const invitationLink = (origin: string, token: string): string =>
  `${origin}/office/invitation#${token}`

export function openInvitations(key: Uint8Array, passwords: Passwords, clock: Clock): Invitations {
  const bound = (realm: Realm) => `invitation ${realm.name}`
  const personOf = (realm: Realm, token: string) => {
    try {
      const text = unseal(Buffer.from(token, 'base64url'), key, bound(realm)).toString()
      const { person, until } = JSON.parse(text) as { person: string; until: number }
      return until > clock.now().getTime() ? person : undefined
    } catch {
      return undefined // not ours, of another realm, or cut short
    }
  }
  const read = async (realm: Realm, token: string): Promise<Person> => {
    const id = personOf(realm, token)
    const person = id && (await realm.transaction((run) => findWaiting(run, id)))
    if (!person) throw refused('Ask for a new one, or sign in if you have been here before.')
    return person
  }
  return {
    read,
    async make(realm, personId) {
      const at = clock.now()
      const until = at.getTime() + LIFE
      await realm.transaction(async (run) => {
        const [known] = await run(sql`SELECT id FROM identity.person WHERE id = ${personId}`)
        if (!known) throw unknownPerson('Nobody has this id.')
        if (!(await findWaiting(run, personId))) throw joined('They sign in by what they have.')
        await recordEvent(run, at, 'invited', personId)
      })
      const text = Buffer.from(JSON.stringify({ person: personId, until }))
      const token = seal(text, key, bound(realm)).toString('base64url')
      return { token, expiresAt: new Date(until).toISOString() }
    },
    async accept(realm, token, password) {
      const { id, email, name } = await read(realm, token)
      await passwords.judge(password, { words: [email, name], secondFactor: false })
      const hash = await passwords.hash(password)
      await realm.transaction(async (run) => {
        // Of two who accept at once, one sees the other's password here and changes nothing.
        const set = await run(sql`UPDATE identity.person SET password = ${hash}
          WHERE id = ${id} AND password IS NULL AND state = 'active' RETURNING id`)
        if (set.length === 0) throw refused('It was accepted already; sign in.')
        await recordEvent(run, clock.now(), 'invitation-accepted', id)
      })
    },
  }
}

/** The person, while nobody has ever been in the account: it is active, has no password, and never had a session. */
async function findWaiting(run: Run, id: string): Promise<Person | undefined> {
  const [person] = await run<Person>(sql`SELECT id, email, name, role, state FROM identity.person p
    WHERE id = ${id} AND state = 'active' AND password IS NULL
      AND NOT EXISTS (SELECT FROM identity.session s WHERE s.person_id = p.id)`)
  return person
}
