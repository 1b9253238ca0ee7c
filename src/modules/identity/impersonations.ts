import { sql } from 'drizzle-orm'
import type { Clock } from '../../kernel/clock.ts'
import { newId } from '../../kernel/ids.ts'
import type { AccessClaims, AccessTokens } from './accessTokens.ts'
import { recordEvent } from './events.ts'
import { notSignedIn, type Person, unknownPerson } from './person.ts'
import type { Realm, Run } from './realm.ts'

/** The operator behind an act in somebody else's name. */
export interface Impersonator {
  id: string
  email: string
}

/** An impersonation as the tenant sees it. */
export interface ImpersonationLine {
  id: string
  personId: string
  operator: string
  reason: string
  startedAt: string
  expiresAt: string
  endedAt: string | null
}

/** Acting in the name of a member: short, with a reason, seen by the tenant, and never renewed. */
export interface Impersonations {
  /** A token for the tenant's host; there is no refresh token. Throws a Problem `person-unknown` (404). */
  start(
    realm: Realm,
    operator: Impersonator,
    about: { email: string; reason: string },
  ): Promise<{ id: string; token: string; expiresAt: string }>
  /** Who acts as whom by a token that names an actor, or a Problem `sign-in-refused` (401). */
  whose(realm: Realm, claims: AccessClaims): Promise<{ person: Person; impersonator: Impersonator }>
  /** Notes an act before it is done, with both identities. */
  note(
    realm: Realm,
    id: string,
    act: { person: Person; impersonator: Impersonator; what: string },
  ): Promise<void>
  list(realm: Realm): Promise<ImpersonationLine[]>
  /** False when it is over already. */
  end(realm: Realm, id: string): Promise<boolean>
}

/** What impersonations are made of. */
interface Parts {
  access: AccessTokens
  operators: Realm
  clock: Clock
  /** Milliseconds. */
  life: number
}

export function openImpersonations({ access, operators, clock, life }: Parts): Impersonations {
  return {
    async start(realm, operator, { email, reason }) {
      const id = newId()
      const at = clock.now()
      const expiresAt = new Date(at.getTime() + life).toISOString()
      const sub = await realm.transaction(async (run) => {
        const [person] = await run<{ id: string }>(
          sql`SELECT id FROM identity.person WHERE email = ${email.toLowerCase()} AND kind = 'person' AND state = 'active'`,
        )
        if (!person) throw unknownPerson('Nobody with this address is active in this tenant.')
        await run(sql`INSERT INTO identity.impersonation
            (id, person_id, operator_id, operator_email, reason, started_at, expires_at)
          VALUES (${id}, ${person.id}, ${operator.id}, ${operator.email}, ${reason}, ${at.toISOString()}, ${expiresAt})`)
        await recordEvent(run, at, 'impersonation-started', person.id, {
          impersonation: id,
          operator,
          reason,
        })
        return person.id
      })
      return {
        id,
        token: await access.issue(realm.name, { sub, sid: id, act: { sub: operator.id } }, life),
        expiresAt,
      }
    },
    async whose(realm, claims) {
      const found = await realm.transaction((run) => findRunning(run, claims, clock.now()))
      if (!found || !(await isActive(operators, found.impersonator.id)))
        throw notSignedIn('The impersonation is over.')
      return found
    },
    note: (realm, id, { person, impersonator, what }) =>
      realm.transaction((run) =>
        recordEvent(run, clock.now(), 'impersonated-act', person.id, {
          impersonation: id,
          operator: impersonator,
          what,
        }),
      ),
    list: (realm) => realm.transaction(listAll),
    end: (realm, id) =>
      realm.transaction(async (run) => {
        const [ended] = await run<{ person_id: string }>(sql`UPDATE identity.impersonation
          SET ended_at = ${clock.now().toISOString()} WHERE id = ${id} AND ended_at IS NULL RETURNING person_id`)
        if (ended)
          await recordEvent(run, clock.now(), 'impersonation-ended', ended.person_id, { impersonation: id })
        return ended !== undefined
      }),
  }
}

async function findRunning(
  run: Run,
  { sub, sid, act }: AccessClaims,
  now: Date,
): Promise<{ person: Person; impersonator: Impersonator } | undefined> {
  const [row] = await run<Person & { operator: string; operator_email: string }>(sql`
    SELECT p.id, p.email, p.name, p.role, p.state, i.operator_id AS operator, i.operator_email
    FROM identity.impersonation i JOIN identity.person p ON p.id = i.person_id
    WHERE i.id = ${sid} AND p.id = ${sub} AND i.operator_id = ${act?.sub ?? null}::uuid AND p.kind = 'person' AND p.state = 'active'
      AND i.ended_at IS NULL AND i.expires_at > ${now.toISOString()}`)
  if (!row) return undefined
  const { operator, operator_email: email, ...person } = row
  return { person, impersonator: { id: operator, email } }
}

async function isActive(operators: Realm, id: string): Promise<boolean> {
  const rows = await operators.transaction((run) =>
    run(sql`SELECT id FROM identity.person WHERE id = ${id} AND kind = 'person' AND state = 'active'`),
  )
  return rows.length > 0
}

function listAll(run: Run): Promise<ImpersonationLine[]> {
  const iso = (column: string) =>
    sql`to_char(${sql.identifier(column)} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`
  return run<ImpersonationLine>(sql`SELECT id, person_id AS "personId", operator_email AS operator, reason,
      ${iso('started_at')} AS "startedAt", ${iso('expires_at')} AS "expiresAt", ${iso('ended_at')} AS "endedAt"
    FROM identity.impersonation ORDER BY id DESC LIMIT 200`)
}
