import { type SQL, sql } from 'drizzle-orm'
import type { Clock } from '../../kernel/clock.ts'
import { newId } from '../../kernel/ids.ts'
import type { AccessClaims, AccessTokens } from './accessTokens.ts'
import { hasSecondFactor } from './enrolment.ts'
import { recordEvent } from './events.ts'
import { endSessionsOf, notSignedIn, type Person } from './person.ts'
import { declareRead, type Realm, type Run } from './realm.ts'
import { type Family, type Refreshing, refreshFamily } from './refresh.ts'
import type { RefreshTokens } from './refreshTokens.ts'

/** What a device holds. */
export interface Tokens {
  access: string
  refresh: string
  session: string
}

/** A session as its owner sees it. */
export interface SessionLine {
  id: string
  device: string
  startedAt: string
  lastUsedAt: string
}

/** Somebody signed in, as the database knows it at this moment. */
export interface SignedIn {
  person: Person
  session: string
  factors: string[]
  /** The role asks for a second factor, or the person has one. */
  secondFactorNeeded: boolean
  authenticatedAt: Date
  claims: AccessClaims
}

/** How a session begins. `authenticatedAt`: when the person showed the factors, if that was not now. */
interface NewSession {
  device: string
  factors: string[]
  authenticatedAt?: Date | undefined
}

/** Sessions of every realm. Postgres decides; tokens only point to it. */
export interface Sessions {
  /**
   * Begins a session. `person.password` is the hash that was verified: when it was changed since, or the person was
   * disabled, nobody is signed in (Problem `sign-in-refused`, 401).
   */
  begin(realm: Realm, person: { id: string; password: string | null }, about: NewSession): Promise<Tokens>
  /** The next tokens of the family, or a Problem `sign-in-refused` (401). See refresh.ts for what ends a family. */
  refresh(realm: Realm, token: string): Promise<Tokens>
  /**
   * Who an access token stands for now, or a Problem `sign-in-refused` (401). One that names an actor belongs to no
   * session: see impersonations.ts.
   */
  whose(realm: Realm, accessToken: string): Promise<SignedIn>
  /** The same for claims that were verified already. */
  known(realm: Realm, claims: AccessClaims): Promise<SignedIn>
  list(realm: Realm, personId: string): Promise<SessionLine[]>
  /** Ends one session of a person; false when it was none or over already. */
  end(realm: Realm, personId: string, session: string): Promise<boolean>
  /** The session that a refresh token belongs to, however old; null for one that is not ours. */
  presented(realm: Realm, token: string): string | null
  /** Ends it, whoever's it is. */
  endPresented(realm: Realm, session: string): Promise<void>
  endAll(realm: Realm, personId: string): Promise<void>
}

/** What sessions are made of. */
export interface SessionParts extends Refreshing {
  access: AccessTokens
  refreshTokens: RefreshTokens
  clock: Clock
  /** Milliseconds. */
  accessLife: number
  sessionLife: number
}

export function openSessions(parts: SessionParts): Sessions {
  const { access, refreshTokens, clock } = parts
  const tokensOf = async (realm: Realm, { session, personId, generation }: Family): Promise<Tokens> => ({
    access: await access.issue(realm.name, { sub: personId, sid: session }, parts.accessLife),
    refresh: refreshTokens.write(realm.name, { session, generation }),
    session,
  })
  return {
    async begin(realm, person, about) {
      const session = newId()
      await realm.transaction((run) => insert(run, session, person, about, clock.now(), parts.sessionLife))
      return tokensOf(realm, { session, personId: person.id, generation: 0 })
    },
    async refresh(realm, token) {
      const place = refreshTokens.read(realm.name, token)
      const family = place && (await refreshFamily(realm, place, parts))
      if (!family) throw notSignedIn('The session is over; sign in again.')
      return tokensOf(realm, family)
    },
    whose: async (realm, accessToken) =>
      known(realm, await access.verify(realm.name, accessToken), clock.now()),
    known: (realm, claims) => known(realm, claims, clock.now()),
    list: (realm, personId) => realm.transaction((run) => listLive(run, personId, clock.now())),
    end: (realm, personId, session) =>
      realm.transaction((run) => endOne(run, session, sql`person_id = ${personId}`, clock.now())),
    presented: (realm, token) => refreshTokens.read(realm.name, token)?.session ?? null,
    async endPresented(realm, session) {
      await realm.transaction((run) => endOne(run, session, sql`true`, clock.now()))
    },
    endAll: (realm, personId) =>
      realm.transaction((run) => endSessionsOf(run, personId, 'sign-out everywhere', clock.now())),
  }
}

async function insert(
  run: Run,
  session: string,
  person: { id: string; password: string | null },
  { device, factors, authenticatedAt }: NewSession,
  at: Date,
  life: number,
): Promise<void> {
  // The person's row is held, so that a change of password or state that ends all sessions comes before or after this
  // one, never in between.
  const [still] = await run<{ id: string }>(sql`SELECT id FROM identity.person
    WHERE id = ${person.id} AND kind = 'person' AND state = 'active' AND password IS NOT DISTINCT FROM ${person.password} FOR SHARE`)
  if (!still) throw notSignedIn('The account changed meanwhile; sign in again.')
  const now = at.toISOString()
  const shown = new Date(Math.min(at.getTime(), (authenticatedAt ?? at).getTime()))
  await run(sql`INSERT INTO identity.session
      (id, person_id, rotated_at, started_at, expires_at, factors, authenticated_at, device)
    VALUES (${session}, ${person.id}, ${now}, ${now}, ${new Date(shown.getTime() + life).toISOString()},
      ${`{${factors.join(',')}}`}::text[], ${shown.toISOString()}, ${device.slice(0, 200)})`)
  await recordEvent(run, at, 'sign-in', person.id, { session, factors })
}

async function endOne(run: Run, session: string, whose: SQL, at: Date): Promise<boolean> {
  const [ended] = await run<{ person_id: string }>(sql`UPDATE identity.session
    SET ended_at = ${at.toISOString()}, ended_because = 'sign-out'
    WHERE id = ${session} AND ${whose} AND ended_at IS NULL RETURNING person_id`)
  if (ended) await recordEvent(run, at, 'sign-out', ended.person_id, { session })
  return ended !== undefined
}

type Live = Person & { factors: string[]; needed: boolean; authenticated: string }

const live = declareRead<{ sid: string; sub: string; now: string }, Live>(
  'identity.session',
  ['sid', 'sub', 'now'],
  ['id', 'email', 'name', 'role', 'state', 'factors', 'needed', 'authenticated'],
  ({ sid, sub, now }) => sql`
    SELECT p.id, p.email, p.name, p.role, p.state, s.factors,
      ${hasSecondFactor(sql`p.id`)} OR EXISTS (SELECT FROM identity.role_rule r WHERE r.role = p.role AND r.second_factor) AS needed,
      (extract(epoch FROM s.authenticated_at) * 1000)::bigint AS authenticated
    FROM identity.session s JOIN identity.person p ON p.id = s.person_id
    WHERE s.id = ${sid} AND p.id = ${sub} AND p.state = 'active' AND s.ended_at IS NULL AND s.expires_at > ${now}`,
)

async function known(realm: Realm, claims: AccessClaims, at: Date): Promise<SignedIn> {
  const [row] = await realm.read(live, { sid: claims.sid, sub: claims.sub, now: at.toISOString() })
  if (!row) throw notSignedIn('The session is over; sign in again.')
  const { factors, needed, authenticated, ...person } = row
  const authenticatedAt = new Date(Number(authenticated))
  return { person, session: claims.sid, factors, secondFactorNeeded: needed, authenticatedAt, claims }
}

async function listLive(run: Run, personId: string, now: Date): Promise<SessionLine[]> {
  const rows = await run<{ id: string; device: string; started: string; used: string }>(sql`
    SELECT id, device, (extract(epoch FROM started_at) * 1000)::bigint AS started,
      (extract(epoch FROM rotated_at) * 1000)::bigint AS used
    FROM identity.session WHERE person_id = ${personId} AND ended_at IS NULL AND expires_at > ${now.toISOString()}
    ORDER BY rotated_at DESC, id`)
  const instant = (ms: string) => new Date(Number(ms)).toISOString()
  return rows.map(({ id, device, started, used }) => ({
    id,
    device,
    startedAt: instant(started),
    lastUsedAt: instant(used),
  }))
}
