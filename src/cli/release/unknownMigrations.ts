import type { Stores } from '../../data/index.ts'
import { appliedMigrations } from '../../data/migrate.ts'
import { databases } from '../../data/roles.ts'
import type { Description } from './describe.ts'

/** Which store's migrations each database has; every tenant's own database has those of the pool. */
const STORES = [
  [databases.control, 'control'],
  [databases.keys, 'keys'],
  [databases.pool, 'tenant'],
] as const

/** Migrations that were applied and that a release does not know: its code never saw such a schema. */
export async function unknownMigrations(stores: Stores, { migrations }: Description): Promise<string[]> {
  const unknown: string[] = []
  for (const [database, store] of STORES) {
    const applied = await stores.asMigrator('look which migrations were applied', appliedMigrations, database)
    unknown.push(...applied.filter((name) => !migrations[store].includes(name)))
  }
  return unknown
}
