import type { AsMigrator } from '../../data/migrator.ts'
import { roles } from '../../data/roles.ts'
import type { SqlClient } from '../../data/sql.ts'
import { newId } from '../../kernel/ids.ts'

/** Opens a session of the migrator in the scratch database for as long as `work` takes. */
export type ConnectScratch = <T>(work: (client: SqlClient) => Promise<T>) => Promise<T>

/** A database made for one probe and dropped after it. */
export async function inScratchDatabase<T>(
  asMigrator: AsMigrator,
  work: (connect: ConnectScratch) => Promise<T>,
): Promise<T> {
  const name = `surety_probe_${newId().replaceAll('-', '')}`
  await asMigrator('make a database for a probe', async (client) => {
    await client.query(`CREATE DATABASE ${name} OWNER ${roles.owner} TEMPLATE template0`)
    await client.query(`REVOKE ALL ON DATABASE ${name} FROM PUBLIC`)
    await client.query(`GRANT CONNECT ON DATABASE ${name} TO ${roles.migrator}`)
  })
  try {
    return await work((inside) => asMigrator('try migrations', inside, name))
  } finally {
    await asMigrator('drop a database of a probe', (client) =>
      client.query(`DROP DATABASE ${name} WITH (FORCE)`),
    )
  }
}
