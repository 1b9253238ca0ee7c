import pg from 'pg'
import type { Log } from '../kernel/log.ts'
import { type Actor, type ActorSeals, NO_TENANT } from './actor.ts'
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

/** Its own seals are good for this long (ms): erasing and moving take their time. */
const SEAL_LIFE = 3_600_000

/** What the trail calls a use of the migrator: by its reason. */
export const MIGRATOR_ACTS = 'migrator.'

function actorOf(reason: string): Actor {
  const slug = reason.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')
  return { kind: 'system', id: `${MIGRATOR_ACTS}${slug}`.slice(0, 60) }
}

/** Travels ahead of the work: what is changed as migrator names the reason in the trail. */
function tellReason(client: pg.ClientBase, reason: string, seals: ActorSeals): void {
  const seal = seals.of(NO_TENANT, actorOf(reason), SEAL_LIFE)
  client.query("SELECT pg_catalog.set_config('app.actor', $1, false)", [seal]).catch(() => undefined)
}

/** Opens the migrator's access. Keeps one connection to the control database ready, since provisioning is on a clock. */
export function openMigrator(config: pg.ClientConfig, log: Log, seals: ActorSeals): Migrator {
  const pool = new pg.Pool({ ...config, database: databases.control, max: 2, idleTimeoutMillis: 30_000 })
  pool.on('error', () => undefined) // an idle connection broke; the next use opens another
  return {
    config,
    async run(reason, work, database = databases.control) {
      log.info({ reason, database }, 'as migrator')
      if (database === databases.control)
        return withPooled(pool, (client) => {
          tellReason(client, reason, seals)
          return work(client)
        })
      const client = new pg.Client({ ...config, database })
      client.on('error', () => undefined)
      await client.connect()
      tellReason(client, reason, seals)
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
