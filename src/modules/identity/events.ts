import { sql } from 'drizzle-orm'
import { newId } from '../../kernel/ids.ts'
import type { Run } from './realm.ts'

/** What happened to somebody's access. */
export type EventKind =
  | 'sign-in'
  | 'sign-out'
  | 'refresh-theft'
  | 'refresh-reuse'
  | 'password-changed'
  | 'password-forgotten'
  | 'role-changed'
  | 'person-disabled'
  | 'second-factor-added'
  | 'second-factor-removed'
  | 'passkey-copied'
  | 'impersonation-started'
  | 'impersonated-act'
  | 'impersonation-ended'
  | 'identity-linked'
  | 'invited'
  | 'access-reset'
  | 'invitation-accepted'
  | 'set-up'
  | 'service-account-added'
  | 'service-account-changed'
  | 'token-made'
  | 'token-revoked'

/** An event as its realm sees it. */
export interface IdentityEvent {
  id: string
  kind: EventKind
  personId: string | null
  at: string
  details: Record<string, unknown>
}

/** Writes an event in the transaction of what it tells of: there is never one without the other. */
export async function recordEvent(
  run: Run,
  at: Date,
  kind: EventKind,
  personId: string,
  details: Record<string, unknown> = {},
): Promise<void> {
  await run(sql`INSERT INTO identity.event (id, kind, person_id, at, details)
    VALUES (${newId()}, ${kind}, ${personId}, ${at.toISOString()}, ${JSON.stringify(details)})`)
}

/** The newest events of a person, newest first. */
export function eventsOf(run: Run, personId: string, limit: number): Promise<IdentityEvent[]> {
  return run<IdentityEvent>(sql`${SELECT} WHERE person_id = ${personId} ORDER BY id DESC LIMIT ${limit}`)
}

/** What happened in one impersonation, newest first. */
export function eventsOfImpersonation(run: Run, id: string, limit: number): Promise<IdentityEvent[]> {
  return run<IdentityEvent>(
    sql`${SELECT} WHERE details->>'impersonation' = ${id} ORDER BY id DESC LIMIT ${limit}`,
  )
}

const SELECT = sql`SELECT id, kind, person_id AS "personId", details,
    to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS at
  FROM identity.event`
