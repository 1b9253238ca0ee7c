import { openActorSeals } from '../data/actor.ts'
import { bootstrapServer, type RolePasswords } from '../data/bootstrap.ts'
import { type Migration, migrate, readMigrations } from '../data/migrate.ts'
import { openMigrator } from '../data/migrator.ts'
import { databases, roles } from '../data/roles.ts'
import { keepSecret } from '../data/secrets.ts'
import type { SqlAddress } from '../data/sql.ts'
import { systemClock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import { type Module, orderModules } from '../kernel/module.ts'
import { installAudit } from '../modules/audit/install.ts'
import { migrateTenantStores } from '../modules/tenancy/store.ts'

type AnyModule = Module<any, any, any>

/** The passwords of the login roles, from the folder of secrets; made when they are missing. */
export function rolePasswords(secrets: string): RolePasswords {
  return {
    migrator: keepSecret(secrets, 'migrator-password'),
    app: keepSecret(secrets, 'app-password'),
    sealer: keepSecret(secrets, 'sealer-password'),
    staffProbe: keepSecret(secrets, 'staff-probe-password'),
    keys: keepSecret(secrets, 'keys-password'),
    pitr: keepSecret(secrets, 'pitr-password'),
  }
}

/**
 * Makes roles, databases and schemas as the modules need them. `superuser` reaches the server's database `postgres`.
 * Safe to repeat, and to run again after a crash at any point.
 */
export async function preparePlatform(options: {
  superuser: SqlAddress
  secrets: string
  modules: readonly AnyModule[]
  log: Log
  onProgress?: (done: number, total: number, what: string) => void
}): Promise<void> {
  // What the superuser's sessions run is logged; ours set passwords, and no person runs them.
  const superuser = { ...options.superuser, options: '-c log_statement=none' }
  const passwords = rolePasswords(options.secrets)
  await bootstrapServer(superuser, passwords)
  const { host, port, ssl } = superuser
  const address = { host, port, ssl, user: roles.migrator, password: passwords.migrator }
  const actorKey = Buffer.from(keepSecret(options.secrets, 'actor-seal'), 'hex')
  const migrator = openMigrator(address, options.log, openActorSeals(actorKey, systemClock))
  try {
    const control = await collectMigrations(options.modules, 'control')
    await migrator.run('migrate', (client) => migrate(client, control))
    const keys = await collectMigrations(options.modules, 'keys')
    await migrator.run('migrate', (client) => migrate(client, keys), databases.keys)
    const tenant = await collectMigrations(options.modules, 'tenant')
    const sealKey = Buffer.from(keepSecret(options.secrets, 'seal-key'), 'hex')
    await migrateTenantStores(migrator, tenant, sealKey, options.onProgress ?? (() => undefined))
  } finally {
    await migrator.close()
  }
  await installAudit(superuser)
}

/** Where migrations are applied: once each, and in every tenant store. */
export const MIGRATED = ['control', 'keys', 'tenant'] as const

/** The SQL files of `modules` for a store, in the order in which they are applied. */
export async function collectMigrations(
  modules: readonly AnyModule[],
  store: (typeof MIGRATED)[number],
): Promise<Migration[]> {
  const lists = orderModules(modules).map((module) => {
    const directory = module.migrations?.[store]
    return directory ? readMigrations(module.name, directory) : []
  })
  return (await Promise.all(lists)).flat()
}
