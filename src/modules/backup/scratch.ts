import { type Migration, migrate, readMigrations } from '../../data/migrate.ts'
import { roles } from '../../data/roles.ts'
import type { SqlClient } from '../../data/sql.ts'
import { newId } from '../../kernel/ids.ts'
import { defineProblem } from '../../kernel/problems.ts'
import { readDump } from './archive.ts'
import type { BackupParts } from './backUp.ts'
import { inTransaction } from './compare.ts'
import { tenantTables } from './content.ts'
import { type Manifest, objectName, readObject } from './manifest.ts'
import { findPrograms, type Programs } from './programs.ts'

const PREFIX = 'surety_restore_'

/** A scratch database this old (ms) that nobody is connected to belongs to no restore any more. */
const ABANDONED_AFTER = 60_000

const tooNew = defineProblem({
  code: 'backup-too-new',
  status: 409,
  title: 'The backup is of a newer version than what runs here',
})

/** A database that holds what a backup holds, apart from all tenants. */
export interface Scratch {
  name: string
  client: SqlClient
  programs: Programs
}

/** Runs `work` in an empty database of its own, which nobody but the migrator may connect to, and drops it afterwards. */
export async function inScratch<T>(
  { stores }: Pick<BackupParts, 'stores'>,
  major: number,
  work: (scratch: Scratch) => Promise<T>,
): Promise<T> {
  const name = `${PREFIX}${newId().replaceAll('-', '')}`
  await stores.asMigrator('make a database to restore into', async (client) => {
    await client.query(
      `CREATE DATABASE ${name} OWNER ${roles.owner} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'`,
    )
    await client.query(`REVOKE ALL ON DATABASE ${name} FROM PUBLIC`)
    await client.query(`GRANT CONNECT, CREATE ON DATABASE ${name} TO ${roles.migrator}`)
  })
  try {
    const programs = findPrograms(stores.migrator?.config ?? {}, major)
    // The connection stays open as long as the work goes on: it tells others that the database is in use.
    return await stores.asMigrator(
      'restore a backup',
      async (client) => {
        await client.query('SET statement_timeout = 0')
        await prepare(client)
        return work({ name, client, programs })
      },
      name,
    )
  } finally {
    await stores.asMigrator('drop a database that was restored into', (client) =>
      client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
    )
  }
}

/** Drops what killed restores left. */
export async function dropAbandonedScratches({
  stores,
  clock,
}: Pick<BackupParts, 'stores' | 'clock'>): Promise<void> {
  await stores.asMigrator('look for databases of killed restores', async (client) => {
    const { rows } = await client.query<{ name: string }>(
      `SELECT datname AS name FROM pg_database d WHERE starts_with(datname, $1)
         AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datid = d.oid)`,
      [PREFIX],
    )
    for (const { name } of rows) {
      const made = Number.parseInt(name.slice(PREFIX.length, PREFIX.length + 12), 16)
      // Without FORCE: somebody may have connected since.
      if (clock.now().getTime() - made > ABANDONED_AFTER)
        await client.query(`DROP DATABASE IF EXISTS ${name}`).catch(() => undefined)
    }
  })
}

/** What the tables of a dump refer to and a dump does not hold: an extension, and the capture of changes, which rests here. */
const AROUND = `
  SET ROLE ${roles.owner};
  CREATE SCHEMA crypto;
  CREATE EXTENSION pgcrypto SCHEMA crypto;
  CREATE SCHEMA audit;
  CREATE FUNCTION audit.capture() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
  CREATE FUNCTION audit.capture_truncate() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
  DROP SCHEMA public;
  RESET ROLE`

async function prepare(client: SqlClient): Promise<void> {
  await client.query(AROUND)
}

/** Loads a backup, decrypting as it is read: nothing of it is ever on disk in clear but in the database itself. */
export async function loadBackup(
  parts: BackupParts,
  { name, client, programs }: Scratch,
  manifest: Manifest,
): Promise<void> {
  const restore = (args: string[], content: AsyncIterable<Uint8Array>) =>
    programs.feed(
      'pg_restore',
      [`--dbname=${name}`, '--no-owner', `--role=${roles.owner}`, '--exit-on-error', ...args],
      content,
    )
  if (!manifest.schemaDump) {
    await restore([], readDump(parts, manifest))
    return
  }
  const schema = () => readObject(parts, objectName.schema(manifest.tenantId, manifest.backupId))
  await restore(['--section=pre-data'], schema())
  await restore([], readDump(parts, manifest))
  await restore(['--section=post-data'], schema())
  await client.query(
    'INSERT INTO surety.migration (name, sha256) SELECT * FROM json_to_recordset($1) AS m (name text, sha256 text)',
    [JSON.stringify(manifest.shape.migrations)],
  )
}

/**
 * Brings an older backup to the schema that runs here. What this build does not know is taken as it is where the store
 * that is restored into has it too, as after a module was taken out; else it throws a Problem `backup-too-new`.
 */
export async function bringUpToDate(
  client: SqlClient,
  manifest: Manifest,
  tenantMigrations: readonly { module: string; directory: URL }[],
  inTarget: readonly string[],
): Promise<void> {
  const lists = tenantMigrations.map(({ module, directory }) => readMigrations(module, directory))
  const known: Migration[] = (await Promise.all(lists)).flat()
  const names = new Set([...known.map(({ name }) => name), ...inTarget])
  const unknown = manifest.shape.migrations.find(({ name }) => !names.has(name))
  if (unknown) throw tooNew(`It has ${unknown.name}, which neither this build nor the tenant's store knows.`)
  const applied = new Set(manifest.shape.migrations.map(({ name }) => name))
  if (known.some(({ name }) => !applied.has(name))) await migrate(client, known)
}

/** Gives all rows to another tenant: for a restore into a new one. */
export async function giveTo(client: SqlClient, tenantId: string): Promise<void> {
  await inTransaction(client, async () => {
    for (const { table, name } of await foreignKeys(client))
      await client.query(`ALTER TABLE ${table} ALTER CONSTRAINT ${name} DEFERRABLE INITIALLY DEFERRED`)
    for (const table of await tenantTables(client))
      await client.query(`UPDATE ${table} SET tenant_id = $1`, [tenantId])
  })
}

async function foreignKeys(client: SqlClient): Promise<{ table: string; name: string }[]> {
  const { rows } = await client.query<{ table: string; name: string }>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS table, format('%I', k.conname) AS name
     FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE k.contype = 'f' AND k.conparentid = 0`,
  )
  return rows
}
