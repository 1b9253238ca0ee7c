import { type SQL, sql } from 'drizzle-orm'
import { PgDialect } from 'drizzle-orm/pg-core'
import type { Stores } from '../../data/index.ts'
import type { Tenant } from '../tenancy/index.ts'

/** One line of a trail as its reader gets it. */
export interface TrailEntry {
  id: string
  /** ISO 8601, to the microsecond. */
  at: string
  /** `member:<id>`, with `+operator:<id>` for an act in that name; empty when nobody was named, such as at sign-in. */
  who: string
  /** The database role that did it. */
  login: string
  /** INSERT, UPDATE, DELETE, TRUNCATE: seen by the database. Else an act that a module told. */
  act: string
  target: string
  /** The row before and after; secrets are only named. Of an act: its details, in `after`. */
  before: Record<string, unknown> | null
  after: Record<string, unknown> | null
}

/** Which entries; all conditions hold together. */
export interface TrailFilter {
  since?: string | undefined
  until?: string | undefined
  who?: string | undefined
  act?: string | undefined
  target?: string | undefined
  /** The `id` of the row that was changed. */
  row?: string | undefined
}

/** Where a page goes on; opaque to the reader. */
export interface Position {
  at: string
  id: string
}

/** A trail that can be read: a tenant's own, or the deployment's. */
export interface Trail {
  /** The newest entries first, those older than `after` (a position that an earlier page ended at). */
  page(filter: TrailFilter, limit: number, after?: Position): Promise<TrailEntry[]>
}

/** The trail of one tenant, read with the tenant's own rights. */
export function tenantTrail(tenant: Tenant): Trail {
  return trailOn(
    async (query) => (await tenant.transaction((db) => db.execute(query))).rows as unknown as TrailEntry[],
  )
}

/** The trail of the deployment. */
export function deploymentTrail(control: Stores['control']): Trail {
  const dialect = new PgDialect()
  return trailOn((query) => {
    const { sql: text, params } = dialect.sqlToQuery(query)
    return control.query<TrailEntry & Record<string, unknown>>(text, params)
  })
}

function trailOn(read: (query: SQL) => Promise<TrailEntry[]>): Trail {
  return {
    page: (filter, limit, after) =>
      read(sql`SELECT id, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at,
          who, login, act, target, before, after
        FROM audit.entry WHERE ${sql.join(conditions(filter, after), sql` AND `)}
        ORDER BY audit.entry.at DESC, id DESC LIMIT ${limit}`),
  }
}

function conditions({ since, until, who, act, target, row }: TrailFilter, after?: Position): SQL[] {
  return [
    sql`true`,
    ...(since ? [sql`audit.entry.at >= ${since}::timestamptz`] : []),
    ...(until ? [sql`audit.entry.at < ${until}::timestamptz`] : []),
    ...(who ? [sql`${who} = ANY (string_to_array(who, '+'))`] : []),
    ...(act ? [sql`act = ${act}`] : []),
    ...(target ? [sql`target = ${target}`] : []),
    ...(row ? [sql`coalesce(after, before)->>'id' = ${row}`] : []),
    ...(after ? [sql`(audit.entry.at, id) < (${after.at}::timestamptz, ${after.id}::uuid)`] : []),
  ]
}
