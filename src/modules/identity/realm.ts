import type { SQL } from 'drizzle-orm'
import { PgDialect } from 'drizzle-orm/pg-core'
import type { Stores } from '../../data/index.ts'
import type { Tenant } from '../tenancy/index.ts'

/** Runs one statement in a transaction. */
export type Run = <Row extends object>(statement: SQL) => Promise<Row[]>

/**
 * A set of people who sign in at one place: the members of one tenant, or the operators of the deployment. Both have
 * the same tables, so all rules are written once; a realm's own database keeps it apart from the others.
 */
export interface Realm {
  /** `operators`, or `tenant:<id>`: the audience of its tokens. */
  name: string
  /** Commits when `work` resolves, rolls back when it throws. */
  transaction<T>(work: (run: Run) => Promise<T>): Promise<T>
}

/** The members of `tenant`. */
export function tenantRealm(tenant: Tenant): Realm {
  return {
    name: `tenant:${tenant.id}`,
    transaction: (work) =>
      tenant.transaction((db) =>
        work(async (statement) => (await db.execute(statement)).rows as unknown as never),
      ),
  }
}

/** The operators of the deployment. */
export function operatorRealm(control: Stores['control']): Realm {
  const dialect = new PgDialect()
  return {
    name: 'operators',
    transaction: (work) =>
      control.transaction((client) =>
        work(async (statement) => {
          const { sql, params } = dialect.sqlToQuery(statement)
          return (await client.query(sql, params)).rows
        }),
      ),
  }
}
