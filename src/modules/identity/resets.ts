import { createHmac, timingSafeEqual } from 'node:crypto'
import { sql } from 'drizzle-orm'
import type { Clock } from '../../kernel/clock.ts'
import { defineProblem } from '../../kernel/problems.ts'
import type { MailApi } from '../mail/index.ts'
import { recordEvent } from './events.ts'
import { invitationLink } from './invitations.ts'
import type { Passwords } from './passwords.ts'
import type { People } from './people.ts'
import type { Person } from './person.ts'
import type { Realm, Run } from './realm.ts'
import { seal, unseal } from './seal.ts'

const refused = defineProblem({
  code: 'reset-refused',
  status: 403,
  title: 'This link is not good any more',
})

/** Milliseconds that a link is good, and between two that one person is sent. */
const LIFE = 1_800_000
const PAUSE = 300_000

/** How a person who forgot the password chooses another. It signs in nobody: a second factor is asked for as before. */
export interface Resets {
  /**
   * Mails a link to whoever has this address and a password here. Says nothing about whether there is somebody; let
   * nobody wait for it, so that its time tells nothing either.
   */
  ask(realm: Realm, email: string, origin: string): Promise<void>
  /** Whether the token is of this kind, good or not. */
  knows(realm: Realm, token: string): boolean
  /** Whom it is for. Throws `reset-refused` (403). */
  read(realm: Realm, token: string): Promise<Person>
  /**
   * Sets the password and ends all sessions; once. Returns whose. Throws `reset-refused` (403), what `passwords.judge`
   * throws, or `sign-in-refused` (401) when the password changed at the same moment.
   */
  accept(realm: Realm, token: string, password: string): Promise<string>
}

/** What resets are made of. */
interface Parts {
  key: Uint8Array
  passwords: Passwords
  people: People
  mail: MailApi
  clock: Clock
}

interface Found extends Person {
  password: string
}

export function openResets({ key, passwords, people, mail, clock }: Parts): Resets {
  const bound = (realm: Realm) => `reset ${realm.name}`
  /** Binds a link to the password that was forgotten: it is worth nothing once that was changed, by whatever way. */
  const markOf = (hash: string) => createHmac('sha256', key).update(`reset\n${hash}`).digest('base64url')
  const open = (realm: Realm, token: string) => {
    try {
      const text = unseal(Buffer.from(token, 'base64url'), key, bound(realm)).toString()
      return JSON.parse(text) as { person: string; mark: string; until: number }
    } catch {
      return undefined // not ours, of another realm or kind, or cut short
    }
  }
  const find = async (realm: Realm, token: string): Promise<Found> => {
    const held = open(realm, token)
    const person =
      held && held.until > clock.now().getTime()
        ? await realm.transaction((run) => findActive(run, held.person))
        : undefined
    const same =
      person && timingSafeEqual(Buffer.from(markOf(person.password)), Buffer.from(held?.mark ?? ''))
    if (!same) throw refused('Ask for a new one, or sign in.')
    return person
  }
  return {
    knows: (realm, token) => open(realm, token) !== undefined,
    async ask(realm, email, origin) {
      const at = clock.now()
      const person = await realm.transaction((run) => admit(run, email.toLowerCase(), at))
      if (!person) return
      const mark = markOf(person.password)
      const text = Buffer.from(JSON.stringify({ person: person.id, mark, until: at.getTime() + LIFE }))
      const link = invitationLink(origin, seal(text, key, bound(realm)).toString('base64url'))
      await mail.send({ to: person.email, subject: SUBJECT, text: textOf(link) })
    },
    async read(realm, token) {
      const { password: _password, ...person } = await find(realm, token)
      return person
    },
    async accept(realm, token, password) {
      const { id, email, name, password: old } = await find(realm, token)
      await passwords.judge(password, { words: [email, name], secondFactor: false })
      // Names the old hash: of two who use a link at once, one is refused.
      await people.changePassword(realm, id, old, password)
      return id
    },
  }
}

function findActive(run: Run, id: string): Promise<Found | undefined> {
  return run<Found>(sql`SELECT id, email, name, role, state, password FROM identity.person
    WHERE id = ${id} AND state = 'active' AND password IS NOT NULL`).then(([person]) => person)
}

/** The person, unless a link was sent a moment ago; noted under the lock of their row, so that a flood sends one. */
async function admit(run: Run, email: string, at: Date): Promise<Found | undefined> {
  const [person] = await run<Found>(sql`SELECT id, email, name, role, state, password FROM identity.person
    WHERE email = ${email} AND state = 'active' AND password IS NOT NULL FOR UPDATE`)
  if (!person) return undefined
  const since = new Date(at.getTime() - PAUSE).toISOString()
  const recent = await run(sql`SELECT id FROM identity.event
    WHERE person_id = ${person.id} AND kind = 'password-forgotten' AND at > ${since} LIMIT 1`)
  if (recent.length > 0) return undefined
  await recordEvent(run, at, 'password-forgotten', person.id)
  return person
}

const SUBJECT = 'Neues Passwort wählen / Choose a new password'
const textOf = (link: string) => `Wählen Sie binnen 30 Minuten ein neues Passwort:
Choose a new password within 30 minutes:

${link}

Wenn Sie das nicht wollten, tun Sie nichts: Ihr Passwort gilt weiter.
If you did not ask for this, do nothing: your password stays as it is.
`
