import { randomBytes } from 'node:crypto'
import { sql } from 'drizzle-orm'
import type { Clock } from '../../kernel/clock.ts'
import type { Realm, Run } from './realm.ts'

/** What a challenge was given out for; it is good for nothing else. */
export type Purpose = 'add-passkey' | 'show-passkey' | 'sign-in'

/** Milliseconds from asking to answering: a person may have to find a key first (WebAuthn §14.4 leaves it to us). */
export const CHALLENGE_LIFE = 300_000

/** A new challenge; `personId` null before anybody signed in. Old ones are cleared on the way. */
export async function giveChallenge(
  run: Run,
  purpose: Purpose,
  personId: string | null,
  clock: Clock,
): Promise<string> {
  const challenge = randomBytes(32).toString('base64url')
  const now = clock.now().getTime()
  await run(sql`DELETE FROM identity.challenge WHERE expires_at <= ${new Date(now).toISOString()}`)
  await run(sql`INSERT INTO identity.challenge (challenge, purpose, person_id, expires_at)
    VALUES (${challenge}, ${purpose}, ${personId}, ${new Date(now + CHALLENGE_LIFE).toISOString()})`)
  return challenge
}

/** Whether it was given out for this and has not come back before. Committed by itself: a failed answer spends it too. */
export async function takeChallenge(
  realm: Realm,
  challenge: string,
  purpose: Purpose,
  personId: string | null,
  clock: Clock,
): Promise<boolean> {
  const taken = await realm.transaction((run) =>
    run(sql`DELETE FROM identity.challenge WHERE challenge = ${challenge} AND purpose = ${purpose}
      AND person_id IS NOT DISTINCT FROM ${personId}::uuid AND expires_at > ${clock.now().toISOString()}
      RETURNING challenge`),
  )
  return taken.length > 0
}
