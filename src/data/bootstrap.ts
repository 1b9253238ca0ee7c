import pg from 'pg'
import { hardenTenantStore } from './harden.ts'
import { databases, roles } from './roles.ts'
import { logPeople } from './staff.ts'

/** Passwords of the login roles. */
export interface RolePasswords {
  migrator: string
  app: string
  sealer: string
  staffProbe: string
  keys: string
  pitr: string
}

/**
 * Makes roles and databases as they must be, on an empty server or again on one that has them. `superuser` connects to
 * the maintenance database of the server; nothing here runs while requests are served. Safe to repeat after a crash.
 */
export async function bootstrapServer(superuser: pg.ClientConfig, passwords: RolePasswords): Promise<void> {
  await as(superuser, 'postgres', async (client) => {
    await makeRoles(client, passwords)
    await letBackUpCluster(client)
    for (const database of Object.values(databases)) await makeDatabase(client, database)
    for (const database of ['postgres', 'template1'])
      await client.query(`REVOKE ALL ON DATABASE ${database} FROM PUBLIC`)
    await grantConnect(client)
  })
  for (const database of [databases.pool, databases.template])
    await as(superuser, database, hardenTenantStore)
  for (const database of [databases.control, databases.keys])
    await as(superuser, database, (client) => client.query('REVOKE CREATE ON SCHEMA public FROM PUBLIC'))
}

async function as(
  config: pg.ClientConfig,
  database: string,
  work: (client: pg.Client) => Promise<unknown>,
): Promise<void> {
  const client = new pg.Client({ ...config, database })
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}

async function makeRoles(client: pg.Client, passwords: RolePasswords): Promise<void> {
  const { owner, migrator, app, sealer, keys, tenant, audit, backup, staff, staffProbe, pitr } = roles
  const attributes: readonly [string, string][] = [
    [owner, 'NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE'],
    [tenant, 'NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE'],
    [staff, 'NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE'],
    [
      staffProbe,
      `LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD ${pg.escapeLiteral(passwords.staffProbe)}`,
    ],
    [audit, 'NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE'],
    [backup, 'NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE'],
    // BYPASSRLS: backups and moves between models read all rows; the serving process never holds this role.
    [
      migrator,
      `LOGIN NOSUPERUSER BYPASSRLS CREATEDB CREATEROLE PASSWORD ${pg.escapeLiteral(passwords.migrator)}`,
    ],
    [
      app,
      `LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD ${pg.escapeLiteral(passwords.app)}`,
    ],
    [
      sealer,
      `LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD ${pg.escapeLiteral(passwords.sealer)}`,
    ],
    [
      keys,
      `LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD ${pg.escapeLiteral(passwords.keys)}`,
    ],
    [
      pitr,
      `LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD ${pg.escapeLiteral(passwords.pitr)}`,
    ],
  ]
  const { rows } = await client.query<{ rolname: string }>('SELECT rolname FROM pg_roles')
  const existing = new Set(rows.map(({ rolname }) => rolname))
  for (const [role, attribute] of attributes) {
    await client.query(`${existing.has(role) ? 'ALTER' : 'CREATE'} ROLE ${role} ${attribute}`)
  }
  await logPeople(client)
  await client.query(`GRANT ${owner}, ${backup} TO ${migrator}`)
  await client.query(`GRANT ${tenant} TO ${app}`)
  await client.query(`GRANT ${tenant} TO ${migrator} WITH ADMIN OPTION`)
  // Who sees which sessions run what: the migrator's probes do, the app does not.
  await client.query(`GRANT pg_read_all_stats, pg_signal_backend TO ${migrator}`)
}

/** What pgBackRest needs in the database that it connects to, and no more. */
async function letBackUpCluster(client: pg.Client): Promise<void> {
  await client.query(`
    GRANT CONNECT ON DATABASE postgres TO ${roles.pitr};
    GRANT pg_read_all_settings, pg_checkpoint TO ${roles.pitr};
    GRANT EXECUTE ON FUNCTION pg_backup_start(text, boolean), pg_backup_stop(boolean), pg_switch_wal(),
      pg_create_restore_point(text) TO ${roles.pitr}`)
}

async function makeDatabase(client: pg.Client, database: string): Promise<void> {
  const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [database])
  if (rowCount === 0) {
    await client.query(
      `CREATE DATABASE ${database} OWNER ${roles.owner} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'`,
    )
  }
  await client.query(`REVOKE ALL ON DATABASE ${database} FROM PUBLIC`)
}

/** Who may connect to the deployment's databases: what a copy of a database does not bring along. */
export async function grantConnect(client: pg.ClientBase): Promise<void> {
  const { control, pool, template, keys } = databases
  await client.query(
    `GRANT CONNECT, CREATE ON DATABASE ${control}, ${pool}, ${template}, ${keys} TO ${roles.migrator}`,
  )
  await client.query(`GRANT CONNECT ON DATABASE ${control}, ${pool} TO ${roles.app}`)
  await client.query(`GRANT CONNECT ON DATABASE ${keys} TO ${roles.keys}`)
  await client.query(`GRANT CONNECT ON DATABASE ${control}, ${pool} TO ${roles.sealer}`)
  await client.query(`GRANT CONNECT ON DATABASE ${control}, ${pool} TO ${roles.staff}`)
}
