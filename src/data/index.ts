import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Redis, RedisOptions } from 'ioredis'
import pg from 'pg'
import { z } from 'zod'
import { duration } from '../kernel/duration.ts'
import { defineModule } from '../kernel/module.ts'
import { defineProblem } from '../kernel/problems.ts'
import { openActorSeals } from './actor.ts'
import { type ConnectionPool, openConnectionPool } from './connectionPool.ts'
import { databaseProblem } from './errors.ts'
import { type AsMigrator, type Migrator, openMigrator } from './migrator.ts'
import { openRedis } from './redis.ts'
import { databases, roles } from './roles.ts'
import { keepSecret, readSecret } from './secrets.ts'

/** Plain SQL on one of the deployment's own databases. Values always as parameters. */
export interface Database {
  query<Row extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row[]>
  /** One transaction: commits when `work` resolves, rolls back when it throws. */
  transaction<T>(work: (client: pg.ClientBase) => Promise<T>): Promise<T>
}

/** The deployment's data stores. */
export interface Stores {
  /** Tenant registry, evidence, duties; as the app role, which reads only what it is granted. */
  control: Database
  /** The control database as the role that appends evidence; null in a process without its password. */
  sealer: Database | null
  /** The same role's address without a database, to read the audit trails of tenant stores; null likewise. */
  sealerAddress: pg.ClientConfig | null
  /** The keys database, as its own role. Only the vault takes from it. */
  keys: Database
  redis: Redis
  /** Where Redis is, for modules that need connections of their own. */
  redisAddress: RedisOptions
  /** Connections to tenant stores. Only the tenancy module takes from it. */
  tenants: ConnectionPool
  /** Address without database and role. */
  address: pg.ClientConfig
  /** Of the app role. Only the tenancy module needs it, to open the pooled store. */
  appPassword: string
  /** Schema changes and tenant databases; null in a process without the migrator's password. */
  migrator: Migrator | null
  /** `migrator.run`; throws a Problem `not-privileged` where this process may not. */
  asMigrator: AsMigrator
  /** The folder of secret files. */
  secrets: string
  /** Holds `filestore/<tenant>/`. */
  files: string
  /** Asks each store whether it answers. */
  ready(): Promise<{ database: boolean; cache: boolean }>
}

const settings = z.object({
  /** A socket directory, or a host name reached by TLS. */
  host: z.string().min(1),
  port: z.number().int().min(1).max(65_535).default(5432),
  /** CA certificate file for a host reached by TCP. */
  caFileName: z.string().optional(),
  redisSocket: z.string().optional(),
  redisUrl: z.string().optional(),
  redisPasswordFileName: z.string().optional(),
  /** Folder of secret files (mode 0700). */
  secrets: z.string(),
  /** Tenants' files lie in `filestore/` in this folder. */
  files: z.string(),
  appPasswordFileName: z.string(),
  /** `keys-password` in the folder of secrets unless named. */
  keysPasswordFileName: z.string().optional(),
  /** Only for processes that migrate, provision and probe; the serving process does not have it. */
  migratorPasswordFileName: z.string().optional(),
  /** Only for processes that append evidence. */
  sealerPasswordFileName: z.string().optional(),
  /** Connections to tenant stores over all tenants. */
  connections: z.number().int().min(2).default(64),
  /** Callers that may wait for a connection, and for how long. */
  waiting: z.number().int().min(0).default(1_000),
  waitFor: duration.default(5_000),
  idleFor: duration.default(30_000),
  /** A statement is stopped after this. */
  statementTimeout: duration.default(30_000),
})

/** What Redis calls the connection that the application's own commands take. */
export const APP_CONNECTION = 'surety-app'

export type StoreSettings = z.output<typeof settings>

/** Postgres and Redis, by role. */
export const stores = defineModule({
  name: 'stores',
  needs: {},
  settings,
  contradictions: (own) => [
    ...(own.redisSocket && own.redisUrl
      ? [{ settings: ['stores.redisSocket', 'stores.redisUrl'], why: 'name one Redis, not two.' }]
      : []),
    ...(!own.redisSocket && !own.redisUrl
      ? [{ settings: ['stores.redisSocket', 'stores.redisUrl'], why: 'one of them must name a Redis.' }]
      : []),
    ...(!own.host.startsWith('/') && !own.caFileName
      ? [
          {
            settings: ['stores.host', 'stores.caFileName'],
            why: 'a database reached by TCP needs a CA file, so that the connection is encrypted and its server known.',
          },
        ]
      : []),
  ],
  async start({ settings, log, clock }) {
    const address = serverAddress(settings)
    const appPassword = readSecret(settings.appPasswordFileName)
    const control = openDatabase({ ...address, user: roles.app, password: appPassword }, databases.control)
    const keys = openDatabase(
      {
        ...address,
        user: roles.keys,
        password: readSecret(settings.keysPasswordFileName ?? join(settings.secrets, 'keys-password')),
      },
      databases.keys,
    )
    const sealerAddress = settings.sealerPasswordFileName
      ? { ...address, user: roles.sealer, password: readSecret(settings.sealerPasswordFileName) }
      : null
    const sealer = sealerAddress && openDatabase(sealerAddress, databases.control)
    const migrator = settings.migratorPasswordFileName
      ? openMigrator(
          { ...address, user: roles.migrator, password: readSecret(settings.migratorPasswordFileName) },
          log,
          openActorSeals(Buffer.from(keepSecret(settings.secrets, 'actor-seal'), 'hex'), clock),
        )
      : null
    const redis = openRedis({ ...redisAddress(settings), connectionName: APP_CONNECTION }, log)
    await redis
      .connect()
      .catch((error: unknown) => log.warn({ err: error }, 'redis is away; starting without it'))
    const tenants = openConnectionPool({
      most: settings.connections,
      mostWaiting: settings.waiting,
      waitFor: settings.waitFor,
      idleFor: settings.idleFor,
    })
    const api: Stores = {
      control,
      sealer,
      sealerAddress,
      keys,
      redis,
      redisAddress: redisAddress(settings),
      tenants,
      address,
      appPassword,
      migrator,
      asMigrator: migrator ? migrator.run : refuse,
      secrets: settings.secrets,
      files: settings.files,
      ready: async () => ({
        database: await answers(control.query('SELECT 1')),
        cache: await answers(redis.ping()),
      }),
    }
    return {
      api,
      async stop() {
        await tenants.close()
        await Promise.all([control.close(), keys.close(), sealer?.close(), migrator?.close()])
        redis.disconnect()
      },
    }
  },
})

const notPrivileged = defineProblem({
  code: 'not-privileged',
  status: 500,
  title: "This process does not hold the migrator's password",
})

async function refuse(): Promise<never> {
  throw notPrivileged('Run it in a process that holds it, such as `surety work`.')
}

function serverAddress(settings: StoreSettings): pg.ClientConfig {
  return {
    host: settings.host,
    port: settings.port,
    connectionTimeoutMillis: 5_000,
    statement_timeout: settings.statementTimeout,
    idle_in_transaction_session_timeout: settings.statementTimeout * 2,
    ...(settings.caFileName ? { ssl: { ca: readCa(settings.caFileName) } } : {}),
  }
}

function openDatabase(config: pg.ClientConfig, database: string): Database & { close(): Promise<void> } {
  const pool = new pg.Pool({ ...config, database, max: 8, idleTimeoutMillis: 30_000 })
  pool.on('error', () => undefined) // an idle connection broke; the next query opens another
  return {
    async query(text, values) {
      try {
        return (await pool.query(text, values as unknown[])).rows
      } catch (error) {
        throw databaseProblem(error)
      }
    },
    async transaction(work) {
      const client = await pool.connect().catch((error: unknown) => {
        throw databaseProblem(error)
      })
      try {
        await client.query('BEGIN')
        const result = await work(client)
        await client.query('COMMIT')
        client.release()
        return result
      } catch (error) {
        const failed = await client.query('ROLLBACK').catch((rollbackError: Error) => rollbackError)
        client.release(failed instanceof Error)
        throw databaseProblem(error)
      }
    },
    close: () => pool.end(),
  }
}

async function answers(question: Promise<unknown>): Promise<boolean> {
  return question.then(
    () => true,
    () => false,
  )
}

function readCa(file: string): string {
  return readFileSync(file, 'utf8')
}

function redisAddress(settings: StoreSettings): RedisOptions {
  const password = settings.redisPasswordFileName ? readSecret(settings.redisPasswordFileName) : undefined
  if (settings.redisSocket) return { path: settings.redisSocket, password }
  const { hostname, port, protocol, pathname } = new URL(settings.redisUrl ?? '')
  return {
    host: hostname,
    port: Number(port || 6379),
    db: Number(pathname.slice(1) || 0),
    password,
    ...(protocol === 'rediss:' ? { tls: {} } : {}),
  }
}
