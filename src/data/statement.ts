import type { NodePgDatabase } from 'drizzle-orm/node-postgres'

/**
 * A Drizzle database inside one tenant's sealed context. Without Drizzle's own `transaction`: its COMMIT would end the
 * context halfway; use `tenant.transaction`.
 */
export type TenantDatabase = Omit<NodePgDatabase, 'transaction'>

/** What Drizzle's `.prepare(name)` gives: `execute` takes the placeholders' values. */
export interface Prepared<Result> {
  execute(values?: Record<string, unknown>): Promise<Result>
}

/** A query written once, prepared once a connection, run in any tenant's context. */
export interface Statement<Values, Result> {
  /** Unique in the application: `artists.list`. */
  name: string
  prepare(db: TenantDatabase): Prepared<Result>
  /** Only a type: the placeholders' values. */
  readonly values?: Values
}

/**
 * Declares a statement: `statement<{ stage: string }>()('artists.list', (db) => db.select()….where(eq(…, sql.placeholder('stage'))))`.
 */
export function statement<Values extends Record<string, unknown> = Record<string, never>>() {
  return <Result>(
    name: string,
    build: (db: TenantDatabase) => { prepare(name: string): Prepared<Result> },
  ): Statement<Values, Result> => ({ name, prepare: (db) => build(db).prepare(name) })
}
