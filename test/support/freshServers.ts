import { cp, rm } from 'node:fs/promises'
import { Redis } from 'ioredis'
import pg from 'pg'
import { grantConnect } from '../../src/data/bootstrap.ts'
import { databases, roles } from '../../src/data/roles.ts'
import { testRedis } from './servers.ts'

/** Before the names of the copies that each file's databases are made from. */
const COPY = 'copy_of_'

/**
 * Takes the servers of this lane back to where they are once every module is prepared, so that no file depends on what
 * another left. The first call of a lane lets `prepare` do that and keeps a copy, with the folder of secrets that it
 * belongs to. Servers that the environment named are left as they are.
 */
export async function freshServers(
  superuser: pg.ClientConfig,
  { files, secrets }: { files: string; secrets: string },
  prepare: () => Promise<void>,
): Promise<void> {
  if (!process.env.SURETY_TEST_LANE) return prepare()
  const client = new pg.Client({ ...superuser, database: 'postgres', options: '-c log_statement=none' })
  await client.connect()
  try {
    const names = await databasesOf(client)
    if (process.env.SURETY_TEST_OWN_POSTGRES) {
      // Nobody comes after this file.
      await rm(files, { recursive: true, force: true })
      await prepare()
    } else if (names.includes(COPY + databases.control)) {
      await dropAll(client, names)
      await rm(files, { recursive: true, force: true })
      await replace(`${secrets}.copy`, secrets)
      await copy(client, COPY, '', `OWNER ${roles.owner}`)
      await grantConnect(client)
    } else {
      await prepare()
      await replace(secrets, `${secrets}.copy`)
      // Not the deployment's own, so that nobody migrates them or counts them as its.
      await copy(client, '', COPY, '')
    }
  } finally {
    await client.end()
  }
  const redis = new Redis({ ...testRedis(), lazyConnect: true })
  await redis.connect()
  await redis.flushall()
  redis.disconnect()
}

async function databasesOf(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ datname: string }>('SELECT datname FROM pg_database')
  return rows.map(({ datname }) => datname)
}

/** Removes all databases but the copies, and the roles that only they needed. */
async function dropAll(client: pg.Client, names: readonly string[]): Promise<void> {
  const kept = (name: string) => /^(postgres|template[01])$/.test(name) || name.startsWith(COPY)
  for (const name of names)
    if (!kept(name)) await client.query(`DROP DATABASE ${pg.escapeIdentifier(name)} WITH (FORCE)`)
  const { rows } = await client.query<{ rolname: string }>(
    `SELECT rolname FROM pg_roles WHERE rolname LIKE 'tenant\\_%' OR rolname LIKE 'staff\\_%'`,
  )
  for (const { rolname } of rows) await client.query(`DROP ROLE ${pg.escapeIdentifier(rolname)}`)
}

async function copy(client: pg.Client, from: string, to: string, owner: string): Promise<void> {
  for (const name of Object.values(databases)) {
    await client.query(`CREATE DATABASE ${to}${name} TEMPLATE ${from}${name} ${owner}`)
    await client.query(`REVOKE ALL ON DATABASE ${to}${name} FROM PUBLIC`)
  }
}

async function replace(from: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true })
  await cp(from, to, { recursive: true, preserveTimestamps: true })
}
