import { sql } from 'drizzle-orm'
import type { Clock } from '../../kernel/clock.ts'
import { defineProblem } from '../../kernel/problems.ts'
import { recordEvent } from './events.ts'
import { notSignedIn, type Person } from './person.ts'
import type { Realm, Run } from './realm.ts'
import type { Federated } from './sso.ts'

/** The address belongs to an account here that signs in by password: its owner must confirm the link with it. */
export const linkNeeded = defineProblem({
  code: 'sso-link-needed',
  status: 409,
  title: 'Confirm that this is you',
})

type Known = Person & { password: string | null }

/**
 * The person whom `who` is linked to. Somebody without a password, whom an administrator added, is linked the first time
 * by an address that the issuer verified: nobody else can be in that account yet. Throws a Problem `sso-link-needed`
 * (409), or `sign-in-refused` (401) for strangers.
 */
export function personOf(realm: Realm, who: Federated, clock: Clock): Promise<Known> {
  return realm.transaction(async (run) => {
    const [linked] = await run<Known>(sql`SELECT p.id, p.email, p.name, p.role, p.state, p.password
      FROM identity.federated f JOIN identity.person p ON p.id = f.person_id
      WHERE f.issuer = ${who.issuer} AND f.subject = ${who.subject}`)
    const person = linked ?? (await byEmail(run, who))
    if (person?.state !== 'active') throw notSignedIn('Nobody here is known by that identity.')
    if (linked) return linked
    if (person.password !== null) throw linkNeeded('Sign in with your password once to link the two.')
    await insertLink(run, who, person.id, clock)
    return person
  })
}

/** Links after the person was shown to be the owner of the account by other means. */
export function link(realm: Realm, who: Federated, personId: string, clock: Clock): Promise<void> {
  return realm.transaction((run) => insertLink(run, who, personId, clock))
}

async function byEmail(run: Run, { verifiedEmail, issuer }: Federated): Promise<Known | undefined> {
  if (!verifiedEmail) return undefined
  // FOR UPDATE: two strangers with one address are decided one after the other.
  const [person] = await run<Known & { linked: boolean }>(sql`SELECT id, email, name, role, state, password,
      EXISTS (SELECT FROM identity.federated f WHERE f.person_id = p.id AND f.issuer = ${issuer}) AS linked
    FROM identity.person p WHERE email = ${verifiedEmail} FOR UPDATE`)
  return person?.linked ? undefined : person
}

async function insertLink(run: Run, who: Federated, personId: string, clock: Clock): Promise<void> {
  await run(sql`INSERT INTO identity.federated (issuer, subject, person_id, linked_at)
    VALUES (${who.issuer}, ${who.subject}, ${personId}, ${clock.now().toISOString()}) ON CONFLICT DO NOTHING`)
  await recordEvent(run, clock.now(), 'identity-linked', personId, { issuer: who.issuer })
}
