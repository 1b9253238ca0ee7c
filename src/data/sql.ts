import pg from 'pg'

/** A connection as modules see it; the driver itself stays in this layer. */
export type SqlClient = pg.ClientBase

/** Server address, role and database. */
export type SqlAddress = pg.ClientConfig

/** What a query answers. */
export type SqlResult = pg.QueryResult

/** Quotes a name for SQL that takes no parameters, such as CREATE ROLE. */
export const quoteName: (name: string) => string = pg.escapeIdentifier

/** Quotes a text for SQL that takes no parameters. */
export const quoteText: (text: string) => string = pg.escapeLiteral

/** An address from a `postgres://` URL, socket folders included (`?host=/run/…`). */
export function parseDatabaseUrl(url: string): SqlAddress {
  const { host, port, user, password, ssl } = new pg.Client({ connectionString: url })
  return { host, port, user, password: password ?? undefined, ssl }
}

/** Runs `work` on a connection of its own that ends afterwards: for probes, which log in as an attacker would. */
export async function withConnection<T>(
  address: SqlAddress,
  work: (client: SqlClient) => Promise<T>,
): Promise<T> {
  const client = new pg.Client(address)
  client.on('error', () => undefined) // the server may end a session that a probe provoked
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
