import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { type Migration, migrate } from '../../data/migrate.ts'
import type { Migrator } from '../../data/migrator.ts'
import { databases, roles, SPARE_PREFIX } from '../../data/roles.ts'
import type { SqlClient } from '../../data/sql.ts'

/**
 * Brings every tenant store to the newest schema: the pool, the template, ready-made databases and each tenant's own.
 * Returns what was applied where. Safe to repeat after a crash at any point.
 */
export async function migrateTenantStores(
  migrator: Migrator,
  migrations: readonly Migration[],
  sealKey: Uint8Array,
  onProgress: (done: number, total: number, database: string) => void,
): Promise<void> {
  const stores = [databases.pool, databases.template, ...(await ownDatabases(migrator))]
  for (const [done, database] of stores.entries()) {
    onProgress(done, stores.length, database)
    await migrator.run(
      'migrate',
      async (client) => {
        await migrate(client, migrations)
        await asOwner(client, () =>
          database === databases.pool ? keepSealKey(client, sealKey) : openContext(client),
        )
      },
      database,
    )
  }
  onProgress(stores.length, stores.length, '')
}

async function ownDatabases(migrator: Migrator): Promise<string[]> {
  return migrator.run('list tenant databases', async (client) => {
    const { rows } = await client.query<{ database: string }>(
      `SELECT database FROM tenancy.tenant WHERE model = 'database'
       UNION SELECT datname FROM pg_database WHERE starts_with(datname, $1) AND datallowconn ORDER BY 1`,
      [SPARE_PREFIX],
    )
    return rows.map(({ database }) => database)
  })
}

async function asOwner(client: SqlClient, work: () => Promise<unknown>): Promise<void> {
  await client.query(`SET ROLE ${roles.owner}`)
  await work()
  await client.query('RESET ROLE')
}

function keepSealKey(client: SqlClient, key: Uint8Array): Promise<unknown> {
  const fingerprint = createHash('sha256').update(key).digest('hex').slice(0, 16)
  return client.query(
    'INSERT INTO tenancy.seal_key (fingerprint, key) VALUES ($1, $2) ON CONFLICT DO NOTHING',
    [fingerprint, Buffer.from(key)],
  )
}

async function openContext(client: SqlClient): Promise<unknown> {
  return client.query(await readFile(new URL('./context-database.sql', import.meta.url), 'utf8'))
}
