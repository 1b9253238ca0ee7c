import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { type Migration, migrate } from '../../data/migrate.ts'
import type { Migrator } from '../../data/migrator.ts'
import { databases, roles } from '../../data/roles.ts'
import type { SqlClient } from '../../data/sql.ts'
import { whileThere } from '../../data/whileThere.ts'
import { findSpares, idOfSpare, keepHome } from './provision.ts'

/**
 * Brings every tenant store to the newest schema: the pool, the template, ready-made databases and each tenant's own.
 * Others may make tenants and erase them meanwhile: what was made after the template is whole, what was made before is
 * in one of the lists. Safe to repeat after a crash at any point.
 */
export async function migrateTenantStores(
  migrator: Pick<Migrator, 'run'>,
  migrations: readonly Migration[],
  sealKey: Uint8Array,
  onProgress: (done: number, total: number, database: string) => void,
): Promise<void> {
  const bring = (database: string, home?: string) =>
    migrator.run(
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
  const inControl = (look: (client: SqlClient) => Promise<boolean>) =>
    migrator.run('look whether a database is there', look)
  const done = new Set<string>()
  const begin = (database: string, waiting: number) => onProgress(done.size, done.size + waiting, database)
  for (const [at, database] of [databases.pool, databases.template].entries()) {
    begin(database, 2 - at)
    await bring(database)
    done.add(database)
  }
  for (;;) {
    const waiting = [...(await ownDatabases(migrator))].filter(([database]) => !done.has(database))
    if (waiting.length === 0) break
    for (const [at, [database, home]] of waiting.entries()) {
      begin(database, waiting.length - at)
      await whileThere(database, () => bring(database, home), inControl)
      done.add(database)
    }
  }
  onProgress(done.size, done.size, '')
}

/** Database to the tenant whose it is. */
async function ownDatabases(migrator: Pick<Migrator, 'run'>): Promise<Map<string, string>> {
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
