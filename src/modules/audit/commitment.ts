import { checkActor, NO_TENANT } from '../../data/actor.ts'
import { MIGRATOR_ACTS } from '../../data/migrator.ts'
import type { SqlClient } from '../../data/sql.ts'
import { leafHash } from '../../proof/evidence/merkle.ts'

/** An entry as its commitment covers it: every column, as the text that Postgres writes. */
export interface SealedEntry {
  id: string
  tenant_id: string
  at: string
  xact: string
  login: string
  actor: string
  act: string
  target: string
  before: string | null
  after: string | null
}

/**
 * The leaf hash (RFC 6962) of the JSON array of all columns. It can be published: `id` holds 122 random bits, so nobody
 * who does not have the entry can find out what it says by guessing.
 */
export function commitTo(entry: SealedEntry): Buffer {
  const { id, tenant_id, at, xact, login, actor, act, target, before, after } = entry
  return leafHash(
    Buffer.from(JSON.stringify([id, tenant_id, at, xact, login, actor, act, target, before, after])),
  )
}

/** Entries read at a time: one transaction may have made a million. */
const PART = 5_000

/**
 * The entries that meet `condition` (SQL on `e`, without parameters), oldest first, in parts, as a commitment covers them.
 * Inside a transaction of `client`.
 */
export async function* readEntries(client: SqlClient, condition: string): AsyncGenerator<SealedEntry[]> {
  await client.query(
    `DECLARE entries NO SCROLL CURSOR FOR
     SELECT id, tenant_id, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at, xact::text,
       login::text, actor, act, target, before::text, after::text
     FROM audit.entry e WHERE ${condition} ORDER BY e.at, e.id`,
  )
  try {
    for (;;) {
      const { rows } = await client.query<SealedEntry>(`FETCH ${PART} FROM entries`)
      if (rows.length === 0) return
      yield rows
    }
  } finally {
    await client.query('CLOSE entries')
  }
}

/**
 * Whether the entry's actor, where one is named, was sealed by the platform for that tenant and time; the migrator, who
 * works past tenants, is sealed for none.
 */
export function isActorProven({ actor, tenant_id, at }: SealedEntry, key: Uint8Array): boolean {
  const tenant = actor.startsWith(`system:${MIGRATOR_ACTS}`) ? NO_TENANT : tenant_id
  return actor === '' || checkActor(actor, tenant, new Date(at), key)
}
