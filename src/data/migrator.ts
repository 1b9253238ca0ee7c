import pg from 'pg'
import type { Log } from '../kernel/log.ts'
import { databases } from './roles.ts'

/** Work with the migrator's role: the only way past the tenants' walls, so each use says why and is logged. */
export interface Migrator {
  /** Runs `work` on a connection of its own to `database` (control unless named). */
  run<T>(reason: string, work: (client: pg.Client) => Promise<T>, database?: string): Promise<T>
  /** For connecting with one's own client, such as `pg_dump`. */
  config: pg.ClientConfig
  close(): Promise<void>
}

/** `Migrator.run`, or what refuses in its place where the process holds no migrator's password. */
export type AsMigrator = Migrator['run']

/** Opens the migrator's access. Keeps one connection to the control database ready, since provisioning is on a clock. */
export function openMigrator(config: pg.ClientConfig, log: Log): Migrator {
  const pool = new pg.Pool({ ...config, database: databases.control, max: 2, idleTimeoutMillis: 30_000 })
  pool.on('error', () => undefined) // an idle connection broke; the next use opens another
  return {
    config,
    async run(reason, work, database = databases.control) {
      log.info({ reason, database }, 'as migrator')
      if (database === databases.control) return withPooled(pool, work)
      const client = new pg.Client({ ...config, database })
      client.on('error', () => undefined)
      await client.connect()
      try {
        return await work(client)
      } finally {
        await client.end()
      }
    },
    close: () => pool.end(),
  }
}

async function withPooled<T>(pool: pg.Pool, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  let failed = true
  try {
    const result = await work(client as unknown as pg.Client)
    failed = false
    return result
  } finally {
    client.release(failed)
  }
}
