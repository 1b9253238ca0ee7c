import pg from 'pg'

/** A statement prepared at connect time, run ahead of a query in the same flight. */
interface Preamble {
  statement: string
  values: readonly string[]
}

/** What runs ahead of a query: entering a tenant's context, with or without opening a transaction. */
export type Preambles = readonly Preamble[]

const BEGIN = { name: 'surety_begin', text: 'BEGIN' }
const ENTER = { name: 'surety_enter', text: "SELECT pg_catalog.set_config('app.tenant', $1, true)" }
const ENTER_AS = {
  name: 'surety_enter_as',
  text: `SELECT pg_catalog.set_config('app.tenant', $1, true), pg_catalog.set_config('app.actor', $2, true)`,
}
const ACT_AS = { name: 'surety_act_as', text: "SELECT pg_catalog.set_config('app.actor', $1, true)" }
const PREPARED = [BEGIN, ENTER, ENTER_AS, ACT_AS]

/** The preamble that sets the tenant's context for one transaction. */
export function enterContext(context: string): Preamble {
  return { statement: ENTER.name, values: [context] }
}

/** The same with who acts, for the audit trail; both travel in one message. */
export function enterContextAs(context: string, actor: string): Preamble {
  return { statement: ENTER_AS.name, values: [context, actor] }
}

/** The preamble that says who acts, where the database itself is the tenant's context. */
export function actAs(actor: string): Preamble {
  return { statement: ACT_AS.name, values: [actor] }
}

/** The preamble that opens a transaction. */
export const beginTransaction: Preamble = { statement: BEGIN.name, values: [] }

interface WireConnection {
  parse(statement: { name: string; text: string }): void
  bind(portal: { portal: string; statement: string; values: readonly string[] }): void
  execute(portal: { portal: string }): void
  sync(): void
}

/**
 * One query with its context in one network flight: Bind/Execute of each preamble, then the query, then one Sync, so
 * that all of it is one implicit transaction and costs one round trip. An error in a preamble skips the query
 * (PostgreSQL protocol, "Extended Query": messages are discarded until Sync). Always the extended protocol: a stacked
 * second statement is a syntax error.
 */
class FlightQuery extends pg.Query {
  private preambles: Preambles
  private pending: number

  constructor(config: pg.QueryConfig & { preambles: Preambles }, values: unknown[] | undefined) {
    super(config, values)
    this.preambles = config.preambles
    this.pending = config.preambles.length
  }

  requiresPreparation(): boolean {
    return true
  }

  prepare(connection: WireConnection): void {
    for (const { statement, values } of this.preambles) {
      connection.bind({ portal: '', statement, values })
      connection.execute({ portal: '' })
    }
    // @ts-expect-error the published types leave out the method that pg.Query documents for subclasses
    super.prepare(connection)
  }

  handleDataRow(message: unknown): void {
    // @ts-expect-error as above
    if (this.pending === 0) super.handleDataRow(message)
  }

  handleCommandComplete(message: unknown, connection: unknown): void {
    // @ts-expect-error as above
    if (this.pending === 0) super.handleCommandComplete(message, connection)
    else this.pending -= 1
  }
}

/** Sends `config` behind `preambles` on a client that `prepareFlights` has made ready. */
export function fly(
  client: pg.Client,
  preambles: Preambles,
  config: pg.QueryConfig,
  values?: unknown[],
): Promise<pg.QueryResult> {
  const { promise, resolve, reject } = Promise.withResolvers<pg.QueryResult>()
  const query = new FlightQuery({ ...config, preambles }, values)
  Object.assign(query, {
    callback: (error: Error | null, result: pg.QueryResult) => (error ? reject(error) : resolve(result)),
  })
  client.query(query)
  return promise
}

/** Parses the preambles without running anything. A subclass, so that pg lets it onto a pipelined connection. */
class Preparation extends pg.Query {
  // @ts-expect-error the published types declare it as a property; pg itself has a method
  submit(connection: WireConnection): null {
    for (const statement of PREPARED) connection.parse(statement)
    connection.sync()
    return null
  }
}

/** Prepares the preambles on a new connection, in one round trip and without running them. */
export function prepareFlights(client: pg.Client): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const preparation = new Preparation({ text: '' })
  Object.assign(preparation, { callback: (error: Error | null) => (error ? reject(error) : resolve()) })
  client.query(preparation as unknown as pg.Submittable)
  return promise
}
