import { type SQL, sql } from 'drizzle-orm'
import { PgDialect } from 'drizzle-orm/pg-core'
import type { Stores } from '../../data/index.ts'
import { type Statement, statement } from '../../data/statement.ts'
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
  /** One query that changes nothing, in one round trip. */
  read<Values, Row>(query: Read<Values, Row>, values: Values): Promise<Row[]>
}

/** A query that is asked often: see `declareRead`. */
export interface Read<Values, Row> {
  sql(values: Values): SQL
  statement: Statement<Values, Row[]>
}

/**
 * Declares a query that answers `columns`; in a tenant's store it is prepared under `name`. `build` is given what to put
 * in the place of each of `parameters`.
 */
export function declareRead<Values extends Record<string, string>, Row>(
  name: string,
  parameters: readonly (keyof Values & string)[],
  columns: readonly (keyof Row & string)[],
  build: (values: Record<keyof Values, unknown>) => SQL,
): Read<Values, Row> {
  const places = Object.fromEntries(parameters.map((one) => [one, sql.placeholder(one)]))
  const selected = Object.fromEntries(columns.map((one) => [one, sql`${sql.identifier(one)}`]))
  return {
    sql: build,
    statement: statement<Values>()(name, (db) =>
      db.select(selected).from(sql`(${build(places as Record<keyof Values, unknown>)}) AS asked`),
    ) as unknown as Statement<Values, Row[]>,
  }
}

/** The members of `tenant`. */
export function tenantRealm(tenant: Tenant): Realm {
  return {
    name: `tenant:${tenant.id}`,
    read: (query, values) => tenant.query(query.statement, values),
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
    async read(query, values) {
      const { sql, params } = dialect.sqlToQuery(query.sql(values))
      return (await control.query(sql, params)) as never
    },
    transaction: (work) =>
      control.transaction((client) =>
        work(async (statement) => {
          const { sql, params } = dialect.sqlToQuery(statement)
          return (await client.query(sql, params)).rows
        }),
      ),
  }
}
