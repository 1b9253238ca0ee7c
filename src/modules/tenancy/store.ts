import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { type Migration, migrate } from '../../data/migrate.ts'
import type { Migrator } from '../../data/migrator.ts'
import { databases, roles } from '../../data/roles.ts'
import type { SqlClient } from '../../data/sql.ts'
import { findSpares, idOfSpare, keepHome } from './provision.ts'

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
  const own = await ownDatabases(migrator)
  const stores = [databases.pool, databases.template, ...own.keys()]
  for (const [done, database] of stores.entries()) {
    onProgress(done, stores.length, database)
    const home = own.get(database)
    await migrator.run(
      'migrate',
      async (client) => {
        await migrate(client, migrations)
        await asOwner(client, () =>
          database === databases.pool ? keepSealKey(client, sealKey) : openContext(client),
        )
        if (home) await keepHome(client, home)
      },
      database,
    )
  }
  onProgress(stores.length, stores.length, '')
}

/** Database to the tenant whose it is. */
async function ownDatabases(migrator: Migrator): Promise<Map<string, string>> {
  return migrator.run('list tenant databases', async (client) => {
    const { rows } = await client.query<{ id: string; database: string }>(
      `SELECT id, database FROM tenancy.tenant WHERE model = 'database' AND state <> 'erasing' ORDER BY database`,
    )
    const spares = await findSpares(client)
    return new Map([
      ...rows.map(({ id, database }) => [database, id] as const),
      ...spares.map((spare) => [spare, idOfSpare(spare)] as const),
    ])
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
