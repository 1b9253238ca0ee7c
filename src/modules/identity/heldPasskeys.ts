import { sql } from 'drizzle-orm'
import type { Clock } from '../../kernel/clock.ts'
import { recordEvent } from './events.ts'
import type { Realm, Run } from './realm.ts'
import { type Assertion, readAssertion, type Site } from './webauthn.ts'

/** The passkeys of a person that are good at `site`, as browsers take them. */
export function heldAt(
  run: Run,
  site: Site,
  personId: string,
): Promise<{ id: string; transports: string[] }[]> {
  return run(sql`SELECT credential_id AS id, transports FROM identity.passkey
    WHERE person_id = ${personId} AND rp_id = ${site.id} ORDER BY id`)
}

interface Held {
  id: string
  person_id: string
  public_key: Buffer
  counter: string
}

/**
 * Whose passkey made `response`; undefined when it is none of this host. Decided under the lock of its row, so that two
 * answers with one count are not both taken. A count that does not rise means that the key was copied (WebAuthn §6.1.1):
 * refused, and its owner finds it among their events.
 */
export function use(
  realm: Realm,
  site: Site,
  shown: { challenge: string; response: Assertion; verified: boolean },
  clock: Clock,
): Promise<string | undefined> {
  return realm.transaction(async (run) => {
    const [held] = await run<Held>(sql`SELECT id, person_id, public_key, counter FROM identity.passkey
      WHERE credential_id = ${shown.response.id} AND rp_id = ${site.id} FOR UPDATE`)
    if (!held) return undefined
    const counter = await readAssertion(site, held.public_key, shown)
    const handle = shown.response.response.userHandle
    if (
      counter === undefined ||
      (handle && Buffer.from(handleOf(held.person_id)).toString('base64url') !== handle)
    )
      return undefined
    const at = clock.now()
    if ((counter > 0 || Number(held.counter) > 0) && counter <= Number(held.counter)) {
      await recordEvent(run, at, 'passkey-copied', held.person_id, { passkey: held.id })
      return undefined
    }
    await run(
      sql`UPDATE identity.passkey SET counter = ${counter}, last_used_at = ${at.toISOString()} WHERE id = ${held.id}`,
    )
    return held.person_id
  })
}

/** What the authenticator keeps to know its person again: an id and nothing personal (WebAuthn §14.6.1). */
export function handleOf(personId: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(personId.replaceAll('-', ''), 'hex'))
}
