import { sql } from 'drizzle-orm'
import type { Clock } from '../../kernel/clock.ts'
import { type EventKind, recordEvent } from './events.ts'
import type { GraceWindow } from './graceWindow.ts'
import type { Realm, Run } from './realm.ts'
import type { RefreshPlace } from './refreshTokens.ts'

/** A session and the generation of its newest refresh token. */
export interface Family {
  session: string
  personId: string
  generation: number
}

/** A session that was ended against its holder's will. */
export interface Alarm {
  kind: EventKind
  personId: string
  session: string
}

/** What refreshing needs. */
export interface Refreshing {
  clock: Clock
  window: GraceWindow
  /** Milliseconds in which the token before the newest is answered with the newest once more. */
  grace: number
  /** The return of one token within `grace` that counts as theft. */
  theftAt: number
  /** Milliseconds without a refresh after which a session is over. */
  idleLife: number
  /** Told after an ending that the person must hear of is safely stored. */
  onAlarm(realm: Realm, alarm: Alarm): void
}

interface Row {
  person_id: string
  generation: number
  rotated: string
  expires: string
  replays: number
  live: boolean
}

/**
 * The family after `place` was presented, or undefined when that is refused.
 *
 * - The newest generation is exchanged for the next one.
 * - The one before is answered with the newest for `grace` ms, so that a lost answer or a second tab signs nobody out;
 *   its `theftAt`-th return in that time is theft.
 * - An older one, or one that returns later, is reuse. Theft and reuse end the family.
 *
 * All under the lock of the session's row, decided by Postgres; the counter in Redis can only raise the count (it also
 * saw attempts whose transaction was lost). A refusal is committed as well: it is what ends the family.
 */
export async function refreshFamily(
  realm: Realm,
  place: RefreshPlace,
  parts: Refreshing,
): Promise<Family | undefined> {
  const { family, alarm } = await realm.transaction((run) => decide(run, realm, place, parts))
  if (alarm) parts.onAlarm(realm, alarm)
  return family
}

interface Decision {
  family?: Family
  alarm?: Alarm
}

async function decide(run: Run, realm: Realm, place: RefreshPlace, parts: Refreshing): Promise<Decision> {
  const { session, generation } = place
  const [row] = await run<Row>(sql`
    SELECT s.person_id, s.generation, s.replays, s.ended_at IS NULL AND p.state = 'active' AS live,
      (extract(epoch FROM s.rotated_at) * 1000)::bigint AS rotated, (extract(epoch FROM s.expires_at) * 1000)::bigint AS expires
    FROM identity.session s JOIN identity.person p ON p.id = s.person_id WHERE s.id = ${session} FOR UPDATE OF s`)
  const at = parts.clock.now() // after the wait for the lock
  const now = at.getTime()
  const age = now - Number(row?.rotated)
  if (!row?.live || now >= Number(row.expires) || age > parts.idleLife || generation > row.generation)
    return {}
  const family = { session, personId: row.person_id, generation: row.generation }
  if (generation === row.generation) return { family: await rotate(run, family, at) }
  if (generation < row.generation - 1 || age > parts.grace)
    return end(run, family, 'refresh-reuse', at, { generation })
  const counted = await parts.window.count(`${realm.name}:${session}:${generation}`)
  const replays = Math.max(row.replays + 1, counted ?? 0)
  await run(sql`UPDATE identity.session SET replays = ${replays} WHERE id = ${session}`)
  return replays < parts.theftAt ? { family } : end(run, family, 'refresh-theft', at, { generation, replays })
}

async function rotate(run: Run, { session, personId, generation }: Family, at: Date): Promise<Family> {
  const next = generation + 1
  await run(sql`UPDATE identity.session SET generation = ${next}, rotated_at = ${at.toISOString()}, replays = 0
    WHERE id = ${session}`)
  return { session, personId, generation: next }
}

async function end(
  run: Run,
  { session, personId }: Family,
  kind: EventKind,
  at: Date,
  details: Record<string, unknown>,
): Promise<Decision> {
  await run(
    sql`UPDATE identity.session SET ended_at = ${at.toISOString()}, ended_because = ${kind} WHERE id = ${session}`,
  )
  await recordEvent(run, at, kind, personId, { session, ...details })
  return { alarm: { kind, personId, session } }
}
