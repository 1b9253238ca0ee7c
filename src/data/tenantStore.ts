import { AsyncLocalStorage } from 'node:async_hooks'
import { drizzle } from 'drizzle-orm/node-postgres'
import type pg from 'pg'
import type { Actor } from './actor.ts'
import type { Target } from './connection.ts'
import type { ConnectionPool } from './connectionPool.ts'
import { databaseProblem } from './errors.ts'
import { beginTransaction, fly, type Preambles } from './flight.ts'
import type { Prepared, Statement, TenantDatabase } from './statement.ts'
import { tracedFlight, type Whose } from './tracedFlight.ts'

/** One tenant's data: every call enters the tenant's context and leaves it again. */
export interface TenantStore {
  query<Values, Result>(statement: Statement<Values, Result>, values: Values): Promise<Result>
  transaction<Result>(work: TransactionWork<Result>): Promise<Result>
  /** The same store, with what is done in it told as done by `actor`. */
  as(actor: Actor): Omit<TenantStore, 'as'>
}

/** Runs a statement inside a transaction; prepared once a connection. */
export type RunStatement = <Values, Result>(
  statement: Statement<Values, Result>,
  values: Values,
) => Promise<Result>

/** What happens in a transaction: queries of the moment on `db`, declared statements by `run`. */
export type TransactionWork<Result> = (db: TenantDatabase, run: RunStatement) => Promise<Result>

/** Where a tenant's data lies and how to enter its context there; asked anew for each call. */
export interface Entry {
  target: Target
  preambles: Preambles
}

/**
 * The store of `whose` data, behind `entry`. A query is one flight: context, query, Sync. A transaction of k queries
 * takes k+1 round trips, because BEGIN and the context ride ahead of its first query. Failures come as Problems where a
 * caller can understand or repeat them (see errors.ts).
 */
export function openTenantStore(
  pool: ConnectionPool,
  whose: Whose,
  entry: (actor?: Actor) => Entry,
): TenantStore {
  const shared = database((config, values) => {
    const { target, preambles } = entry(acting.getStore())
    return pool.share(target, (client) => fly(client, preambles, config, values))
  })
  const run = runnerOn(shared)
  const actingAs = (actor?: Actor): Omit<TenantStore, 'as'> => ({
    query: (statement, values) =>
      tracedFlight(statement.name, whose, async () => {
        try {
          return await (actor ? acting.run(actor, () => run(statement, values)) : run(statement, values))
        } catch (error) {
          throw databaseProblem(error)
        }
      }),

    transaction: (work) =>
      tracedFlight('transaction', whose, async () => {
        const { target, preambles } = entry(actor)
        const opening = [beginTransaction, ...preambles]
        try {
          return await pool.alone(target, (client) =>
            runTransaction(client, opening, (db, run) => work(db, eachTraced(run, whose))),
          )
        } catch (error) {
          throw databaseProblem(error)
        }
      }),
  })
  return { ...actingAs(), as: actingAs }
}

/** A statement inside a transaction is a flight of its own. */
const eachTraced =
  (run: RunStatement, whose: Whose): RunStatement =>
  (statement, values) =>
    tracedFlight(statement.name, whose, () => run(statement, values))

/**
 * Carries who acts through Drizzle to where the query is sent, so that one prepared statement serves every actor. Set
 * around one execution alone, in which no caller's code runs.
 */
const acting = new AsyncLocalStorage<Actor>()

/** A connection's own Drizzle and prepared statements, kept from one transaction to the next. */
interface Session {
  db: TenantDatabase
  run: RunStatement
  /** What still has to run ahead of the transaction's first query. */
  ahead: Preambles
}

const sessions = new WeakMap<pg.Client, Session>()

function sessionOf(client: pg.Client): Session {
  const known = sessions.get(client)
  if (known) return known
  const db = database((config, values) => {
    const preambles = session.ahead
    session.ahead = []
    return fly(client, preambles, config, values)
  })
  const session: Session = { db, run: runnerOn(db), ahead: [] }
  sessions.set(client, session)
  return session
}

function runnerOn(db: TenantDatabase): RunStatement {
  const prepared = new Map<Statement<never, unknown>, Prepared<unknown>>()
  return <Values, Result>(statement: Statement<Values, Result>, values: Values) => {
    const key = statement as Statement<never, unknown>
    const ready = (prepared.get(key) ?? statement.prepare(db)) as Prepared<Result>
    prepared.set(key, ready)
    return ready.execute(values as Record<string, unknown>)
  }
}

async function runTransaction<Result>(
  client: pg.Client,
  opening: Preambles,
  work: TransactionWork<Result>,
): Promise<Result> {
  const session = sessionOf(client)
  session.ahead = opening
  const begun = () => session.ahead.length === 0
  try {
    const result = await work(session.db, session.run)
    if (begun()) await commit(client)
    return result
  } catch (error) {
    // A connection whose transaction cannot be ended is never lent again.
    if (begun()) await client.query('ROLLBACK').catch(() => client.end())
    throw error
  } finally {
    if (begun()) forgetSession(client)
  }
}

/** What SQL of a transaction can leave behind in its session for the next caller: settings, role, cursors, channels. */
const FORGET = 'RESET ROLE; RESET ALL; CLOSE ALL; UNLISTEN *'

/** Not awaited: it travels ahead of the connection's next flight and costs nobody a round trip. */
function forgetSession(client: pg.Client): void {
  client.query(FORGET).catch(() => client.end())
}

async function commit(client: pg.Client): Promise<void> {
  const { command } = await client.query('COMMIT')
  if (command !== 'COMMIT') throw new Error('The transaction was rolled back: a statement in it had failed.')
}

type Send = (config: pg.QueryConfig, values?: unknown[]) => Promise<pg.QueryResult>

function database(send: Send): TenantDatabase {
  const client = { query: send }
  return drizzle({ client: client as unknown as pg.Client })
}
