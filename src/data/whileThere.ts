import type { SqlClient } from './sql.ts'

/** Works on `database`, which others may drop or rename meanwhile: what fails when it is gone by then is no failure. */
export async function whileThere(
  database: string,
  work: () => Promise<unknown>,
  ask: (look: (client: SqlClient) => Promise<boolean>) => Promise<boolean>,
): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (await ask((client) => isThere(client, database))) throw error
  }
}

async function isThere(client: SqlClient, database: string): Promise<boolean> {
  const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [database])
  return rowCount === 1
}
