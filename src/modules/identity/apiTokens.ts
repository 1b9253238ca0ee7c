import { createHash, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { sql } from 'drizzle-orm'
import type { Clock } from '../../kernel/clock.ts'
import { newId } from '../../kernel/ids.ts'
import { notSignedIn, type Person } from './person.ts'
import type { Realm } from './realm.ts'

/** A token as its owner sees it. */
export interface ApiTokenLine {
  id: string
  name: string
  permissions: string[]
  expiresAt: string
  lastUsedAt: string | null
}

/** Tokens for programs, each of one person and never worth more than that person's role. */
export interface ApiTokens {
  /** The token itself is given here and never again. `life` in ms. */
  issue(
    realm: Realm,
    personId: string,
    about: { name: string; permissions: readonly string[]; life: number },
  ): Promise<{ id: string; token: string }>
  /** Whose it is and what it is good for, or a Problem `sign-in-refused` (401). */
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
  const now = () => clock.now().toISOString()
  return {
    async issue(realm, personId, { name, permissions, life }) {
      const id = newId()
      const token = makeToken()
      const expires = new Date(clock.now().getTime() + life).toISOString()
      await realm.transaction((run) =>
        run(sql`INSERT INTO identity.api_token (id, person_id, name, hash, permissions, created_at, expires_at)
          VALUES (${id}, ${personId}, ${name}, ${hashOf(token)}, ${`{${permissions.join(',')}}`}::text[], ${now()}, ${expires})`),
      )
      return { id, token }
    },
    async whose(realm, token) {
      const found = wellFormed(token) ? await find(realm, token, clock) : undefined
      if (!found) throw notSignedIn('The API token is not valid here.')
      return found
    },
    list: (realm, personId) =>
      realm.transaction((run) =>
        run<ApiTokenLine>(sql`SELECT id, name, permissions, ${iso('expires_at')} AS "expiresAt", ${iso('last_used_at')} AS "lastUsedAt"
        FROM identity.api_token WHERE person_id = ${personId} AND revoked_at IS NULL ORDER BY id`),
      ),
    async revoke(realm, personId, id) {
      const revoked = await realm.transaction((run) =>
        run(sql`UPDATE identity.api_token SET revoked_at = ${now()}
          WHERE id = ${id} AND person_id = ${personId} AND revoked_at IS NULL RETURNING id`),
      )
      return revoked.length > 0
    },
  }
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
      SELECT p.id, p.email, p.name, p.role, p.state, t.permissions, t.id AS token,
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
