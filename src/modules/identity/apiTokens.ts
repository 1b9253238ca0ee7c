import { createHash, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { type SQL, sql } from 'drizzle-orm'
import type { Clock } from '../../kernel/clock.ts'
import { newId } from '../../kernel/ids.ts'
import { notSignedIn, type Person } from './person.ts'
import type { Realm, Run } from './realm.ts'

/** A token as its owner sees it. */
export interface ApiTokenLine {
  id: string
  name: string
  permissions: string[]
  expiresAt: string
  lastUsedAt: string | null
}

/** What a new token is for. `life` in ms. */
export interface NewToken {
  name: string
  permissions: readonly string[]
  life: number
}

/** Tokens for programs, each of one person or service account and never worth more than its role. */
export interface ApiTokens {
  /** The token itself is given here and never again. */
  issue(realm: Realm, personId: string, about: NewToken): Promise<{ id: string; token: string }>
  /**
   * Whose it is and what it is good for, or a Problem `sign-in-refused` (401). A service account has no address; its
   * `email` is empty.
   */
  whose(realm: Realm, token: string): Promise<{ person: Person; permissions: string[] }>
  list(realm: Realm, personId: string): Promise<ApiTokenLine[]>
  /** False when there is none, or it is revoked already. */
  revoke(realm: Realm, personId: string, id: string): Promise<boolean>
}

const PREFIX = 'srt_'
const FORM = /^srt_([A-Za-z0-9_-]{40})([0-9a-f]{8})$/

/** Whether a credential looks like one of these tokens. */
export function isApiToken(credential: string): boolean {
  return credential.startsWith(PREFIX)
}

/** Last use is noted at most this often (ms). */
const NOTED_EVERY = 60_000

export function openApiTokens(clock: Clock): ApiTokens {
  return {
    issue: (realm, personId, about) =>
      realm.transaction((run) => insertToken(run, personId, about, clock.now())),
    async whose(realm, token) {
      const found = wellFormed(token) ? await find(realm, token, clock) : undefined
      if (!found) throw notSignedIn('The API token is not valid here.')
      return found
    },
    list: (realm, personId) => realm.transaction((run) => listTokens(run, sql`person_id = ${personId}`)),
    async revoke(realm, personId, id) {
      const revoked = await realm.transaction((run) =>
        revokeTokens(run, sql`id = ${id} AND person_id = ${personId}`, clock.now()),
      )
      return revoked > 0
    },
  }
}

/** Makes and stores a token; it is given here and never again. */
export async function insertToken(
  run: Run,
  personId: string,
  { name, permissions, life }: NewToken,
  at: Date,
): Promise<{ id: string; token: string }> {
  const id = newId()
  const token = makeToken()
  const expires = new Date(at.getTime() + life).toISOString()
  await run(sql`INSERT INTO identity.api_token (id, person_id, name, hash, permissions, created_at, expires_at)
    VALUES (${id}, ${personId}, ${name}, ${hashOf(token)}, ${`{${permissions.join(',')}}`}::text[], ${at.toISOString()}, ${expires})`)
  return { id, token }
}

/** Tokens that are not revoked, of whom the condition `whose` says. */
export function listTokens(run: Run, whose: SQL): Promise<(ApiTokenLine & { personId: string })[]> {
  return run(sql`SELECT id, person_id AS "personId", name, permissions, ${iso('expires_at')} AS "expiresAt",
      ${iso('last_used_at')} AS "lastUsedAt"
    FROM identity.api_token WHERE ${whose} AND revoked_at IS NULL ORDER BY id`)
}

/** Ends the tokens that the condition `which` names from the next request on; gives how many. */
export async function revokeTokens(run: Run, which: SQL, at: Date): Promise<number> {
  const revoked = await run(sql`UPDATE identity.api_token SET revoked_at = ${at.toISOString()}
    WHERE ${which} AND revoked_at IS NULL RETURNING id`)
  return revoked.length
}

/** 240 random bits and their CRC-32, so that scanners for leaked secrets know it and typing errors cost no query. */
function makeToken(): string {
  const secret = randomBytes(30).toString('base64url')
  return `${PREFIX}${secret}${checksum(secret)}`
}

function wellFormed(token: string): boolean {
  const [, secret = '', sum] = FORM.exec(token) ?? []
  return secret !== '' && checksum(secret) === sum
}

function checksum(secret: string): string {
  return crc32(secret).toString(16).padStart(8, '0')
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

function iso(column: string) {
  return sql`to_char(${sql.identifier(column)} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`
}

async function find(realm: Realm, token: string, clock: Clock) {
  const at = clock.now()
  return realm.transaction(async (run) => {
    const [row] = await run<Person & { permissions: string[]; token: string; noted: boolean }>(sql`
      SELECT p.id, coalesce(p.email, '') AS email, p.name, p.role, p.state, t.permissions, t.id AS token,
        coalesce(t.last_used_at > ${new Date(at.getTime() - NOTED_EVERY).toISOString()}, false) AS noted
      FROM identity.api_token t JOIN identity.person p ON p.id = t.person_id
      WHERE t.hash = ${hashOf(token)} AND t.revoked_at IS NULL AND t.expires_at > ${at.toISOString()} AND p.state = 'active'`)
    if (!row) return undefined
    const { permissions, token: id, noted, ...person } = row
    if (!noted)
      await run(sql`UPDATE identity.api_token SET last_used_at = ${at.toISOString()} WHERE id = ${id}`)
    return { person, permissions }
  })
}
