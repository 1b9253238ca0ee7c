import { sql } from 'drizzle-orm'
import { type Actor, type ActorSeals, NO_TENANT } from '../../data/actor.ts'
import type { Stores } from '../../data/index.ts'
import { statement, type TenantDatabase } from '../../data/statement.ts'
import type { Tenant } from '../tenancy/index.ts'

/** Something that was done and is no change of a row. */
export interface Act {
  /** `<area>.<what>`, lower case: `vault.reveal`. */
  act: string
  /** What it was done to, such as `credential 0198…`; never a secret. */
  target: string
  /** Free of secrets. */
  details?: Readonly<Record<string, unknown>>
}

/** Resolves once the act is stored. Throws when it cannot be: do the act afterwards, or not at all. */
export type Recorder = (where: Tenant | { actor: Actor; about?: { id: string } }, act: Act) => Promise<void>

/** Opens the recorder. `control` is the database of the deployment's own trail. */
export function openRecorder(control: Stores['control'], seals: ActorSeals): Recorder {
  return async (where, { act, target, details }) => {
    const json = details === undefined ? null : JSON.stringify(details)
    if ('query' in where) {
      await where.query(record, { act, target, details: json })
      return
    }
    const about = where.about?.id ?? NO_TENANT
    await control.query('SELECT audit.record($1, $2, $3, $4, $5)', [
      seals.of(about, where.actor),
      about,
      act,
      target,
      json,
    ])
  }
}

/** Notes an act in the transaction that does it: there is never one without the other. */
export async function recordIn(db: TenantDatabase, { act, target, details }: Act): Promise<void> {
  const json = details === undefined ? null : JSON.stringify(details)
  await db.execute(sql`SELECT audit.record(${act}, ${target}, ${json}::jsonb)`)
}

const record = statement<{ act: string; target: string; details: string | null }>()('audit.record', (db) =>
  db
    .select({
      recorded: sql`audit.record(${sql.placeholder('act')}, ${sql.placeholder('target')}, ${sql.placeholder('details')}::jsonb)`,
    })
    .from(sql`(VALUES (1)) AS one`),
)
