import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/server'
import { sql } from 'drizzle-orm'
import type { Clock } from '../../kernel/clock.ts'
import { newId } from '../../kernel/ids.ts'
import { defineProblem } from '../../kernel/problems.ts'
import { CHALLENGE_LIFE, giveChallenge, type Purpose, takeChallenge } from './challenges.ts'
import { admitEnrolment, dropIdleRecoveryCodes, type RecoveryCodes } from './enrolment.ts'
import { recordEvent } from './events.ts'
import { handleOf, heldAt, use } from './heldPasskeys.ts'
import { notSignedIn } from './person.ts'
import type { Realm } from './realm.ts'
import {
  ALGORITHMS,
  type Assertion,
  challengeOf,
  type Registration,
  readRegistration,
  type Site,
  webauthnServer,
} from './webauthn.ts'

const refused = defineProblem({
  code: 'passkey-refused',
  status: 403,
  title: 'This passkey is not good here',
})
const known = defineProblem({ code: 'passkey-known', status: 409, title: 'This passkey is here already' })

/** A passkey as its owner sees it. */
export interface PasskeyLine {
  id: string
  name: string
  createdAt: string
  lastUsedAt: string | null
}

/** Who asks, and how many factors their session showed. */
export interface Enrolling {
  id: string
  email: string
  name: string
  shown: number
}

/**
 * Passkeys of people (WebAuthn level 3). A passkey is good at one host. Each challenge is good for one answer, whatever
 * that answer is worth.
 */
export interface Passkeys {
  /** What the browser needs to make one. Throws `second-factor-needed` (403) when the session showed too little. */
  offer(realm: Realm, site: Site, person: Enrolling): Promise<PublicKeyCredentialCreationOptionsJSON>
  /**
   * Keeps the one that was made; with the first second factor come recovery codes, shown this once. Throws
   * `passkey-refused` (403), `passkey-known` (409), `second-factor-needed` (403).
   */
  add(
    realm: Realm,
    site: Site,
    person: Enrolling,
    made: { name: string; response: Registration },
  ): Promise<{ id: string; recoveryCodes: string[] | null }>
  /** What the browser needs to show one of this person's. */
  ask(realm: Realm, site: Site, personId: string): Promise<PublicKeyCredentialRequestOptionsJSON>
  /** Throws `passkey-refused` (403) unless it is one of this person's. */
  show(realm: Realm, site: Site, personId: string, response: Assertion): Promise<void>
  /** What the browser needs to sign in somebody not known yet: says nothing about who has passkeys here. */
  askAnybody(realm: Realm, site: Site): Promise<PublicKeyCredentialRequestOptionsJSON>
  /** Whose it is. The authenticator must have checked its person (PIN, finger). Throws `sign-in-refused` (401). */
  signIn(realm: Realm, site: Site, response: Assertion): Promise<string>
  list(realm: Realm, personId: string): Promise<PasskeyLine[]>
  /** False when this person has no such passkey. */
  remove(realm: Realm, personId: string, id: string): Promise<boolean>
}

/** `owner`: the service's name, which the browser shows. */
export function openPasskeys(recovery: RecoveryCodes, owner: string, clock: Clock): Passkeys {
  const give = (realm: Realm, purpose: Purpose, personId: string | null) =>
    realm.transaction((run) => giveChallenge(run, purpose, personId, clock))
  const take = async (realm: Realm, clientData: string, purpose: Purpose, personId: string | null) => {
    const challenge = challengeOf(clientData)
    return challenge && (await takeChallenge(realm, challenge, purpose, personId, clock))
      ? challenge
      : undefined
  }
  return {
    async offer(realm, site, { id, email, name, shown }) {
      const held = await realm.transaction(async (run) => {
        await admitEnrolment(run, id, shown)
        return heldAt(run, site, id)
      })
      const { generateRegistrationOptions } = await webauthnServer()
      return generateRegistrationOptions({
        rpName: owner,
        rpID: site.id,
        userID: handleOf(id),
        userName: email,
        userDisplayName: name,
        challenge: Buffer.from(await give(realm, 'add-passkey', id), 'base64url'),
        timeout: CHALLENGE_LIFE,
        // We trust any authenticator that its owner trusts, so we do not ask what make it is.
        attestationType: 'none',
        excludeCredentials: held,
        authenticatorSelection: { residentKey: 'preferred', userVerification: 'preferred' },
        supportedAlgorithmIDs: ALGORITHMS,
      })
    },
    async add(realm, site, person, { name, response }) {
      const challenge = await take(realm, response.response.clientDataJSON, 'add-passkey', person.id)
      const made = challenge && (await readRegistration(site, challenge, response))
      if (!made) throw refused('Begin again, at this host, and answer within five minutes.')
      const id = newId()
      return realm.transaction(async (run) => {
        await admitEnrolment(run, person.id, person.shown)
        const at = clock.now()
        const added =
          await run(sql`INSERT INTO identity.passkey (id, person_id, credential_id, rp_id, public_key, counter, transports, name, created_at)
          VALUES (${id}, ${person.id}, ${made.id}, ${site.id}, ${made.publicKey}, ${made.counter},
            ${`{${made.transports.join(',')}}`}::text[], ${name}, ${at.toISOString()}) ON CONFLICT DO NOTHING RETURNING id`)
        if (added.length === 0) throw known('Use it, or make another one.')
        await recordEvent(run, at, 'second-factor-added', person.id, { passkey: name })
        return { id, recoveryCodes: await recovery.makeFirst(run, person.id) }
      })
    },
    async ask(realm, site, personId) {
      const allowCredentials = await realm.transaction((run) => heldAt(run, site, personId))
      if (allowCredentials.length === 0) throw refused('There is none of yours for this host.')
      const { generateAuthenticationOptions } = await webauthnServer()
      return generateAuthenticationOptions({
        rpID: site.id,
        allowCredentials,
        challenge: Buffer.from(await give(realm, 'show-passkey', personId), 'base64url'),
        timeout: CHALLENGE_LIFE,
        userVerification: 'preferred',
      })
    },
    async show(realm, site, personId, response) {
      const challenge = await take(realm, response.response.clientDataJSON, 'show-passkey', personId)
      const shown = challenge && (await use(realm, site, { challenge, response, verified: false }, clock))
      if (!shown || shown !== personId)
        throw refused('Begin again, with a passkey that you added at this host.')
    },
    async askAnybody(realm, site) {
      const { generateAuthenticationOptions } = await webauthnServer()
      return generateAuthenticationOptions({
        rpID: site.id,
        challenge: Buffer.from(await give(realm, 'sign-in', null), 'base64url'),
        timeout: CHALLENGE_LIFE,
        userVerification: 'required',
      })
    },
    async signIn(realm, site, response) {
      const challenge = await take(realm, response.response.clientDataJSON, 'sign-in', null)
      const personId = challenge && (await use(realm, site, { challenge, response, verified: true }, clock))
      if (!personId) throw notSignedIn('This passkey does not sign in anybody here.')
      return personId
    },
    list: (realm, personId) =>
      realm.transaction((run) =>
        run<PasskeyLine>(sql`SELECT id, name, ${iso('created_at')} AS "createdAt", ${iso('last_used_at')} AS "lastUsedAt"
          FROM identity.passkey WHERE person_id = ${personId} ORDER BY id`),
      ),
    remove: (realm, personId, id) =>
      realm.transaction(async (run) => {
        const removed = await run<{ name: string }>(sql`DELETE FROM identity.passkey
          WHERE id = ${id} AND person_id = ${personId} RETURNING name`)
        const [gone] = removed
        if (!gone) return false
        await dropIdleRecoveryCodes(run, personId)
        await recordEvent(run, clock.now(), 'second-factor-removed', personId, { passkey: gone.name })
        return true
      }),
  }
}

function iso(column: string) {
  return sql`to_char(${sql.identifier(column)} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`
}
