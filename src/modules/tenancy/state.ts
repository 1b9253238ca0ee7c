import type { AsMigrator } from '../../data/migrator.ts'
import type { SqlClient } from '../../data/sql.ts'
import type { Clock } from '../../kernel/clock.ts'
import { TRIAL_PREFIX } from './canaries.ts'
import { tenantNotFound } from './problems.ts'
import type { TenantState } from './tenant.ts'

/**
 * Makes a tenant active or suspended: first in the registry, then in its store, where it is in force for the very next
 * statement. Killed between the two, `settleStates` carries on. Throws a Problem `tenant-not-found` (404),
 * also for a canary that probes share.
 */
export async function changeState(
  asMigrator: AsMigrator,
  slug: string,
  state: TenantState,
  clock: Clock,
): Promise<void> {
  const [changed] = await asMigrator(`make ${slug} ${state}`, async (client) => {
    const { rows } = await client.query<{ id: string }>(
      `UPDATE tenancy.tenant SET state = $2, settled = false,
         suspended_at = CASE WHEN $2 = 'suspended' THEN coalesce(suspended_at, $3) END
       WHERE slug = $1 AND state <> 'erasing' AND (NOT canary OR starts_with(slug, $4)) RETURNING id`,
      [slug, state, clock.now(), TRIAL_PREFIX],
    )
    return rows
  })
  if (!changed) throw tenantNotFound(`There is no tenant "${slug}".`)
  await settleState(asMigrator, changed.id)
}

/** Tells each store the state of its tenants where a crash kept it from learning it. */
export async function settleStates(asMigrator: AsMigrator): Promise<void> {
  const unsettled = await asMigrator('look for stores that may not know a tenant’s state', async (client) => {
    const { rows } = await client.query<{ id: string }>('SELECT id FROM tenancy.tenant WHERE NOT settled')
    return rows
  })
  const errors: unknown[] = []
  for (const { id } of unsettled)
    await settleState(asMigrator, id).catch((error: unknown) => errors.push(error))
  // One store that cannot be reached keeps no other from learning.
  if (errors.length > 0) throw errors[0]
}

/** Tells the store of a tenant its state. The line stays locked until the store knows, so that of two changes the later one is what the store ends with. */
export async function settleState(asMigrator: AsMigrator, id: string): Promise<void> {
  await asMigrator('settle the state of a tenant', async (client) => {
    await client.query('BEGIN')
    try {
      const { rows } = await client.query<{ state: string; database: string }>(
        'SELECT state, database FROM tenancy.tenant WHERE id = $1 FOR UPDATE',
        [id],
      )
      const [found] = rows
      if (found) await tellStore(asMigrator, { ...found, id })
      await client.query('UPDATE tenancy.tenant SET settled = true WHERE id = $1', [id])
      await client.query('COMMIT')
    } catch (error) {
      await client.query('ROLLBACK')
      throw error
    }
  })
}

async function tellStore(
  asMigrator: AsMigrator,
  { id, state, database }: { id: string; state: string; database: string },
): Promise<void> {
  const tell = (client: SqlClient) =>
    client.query(
      state === 'active'
        ? 'DELETE FROM tenancy.suspended WHERE id = $1'
        : 'INSERT INTO tenancy.suspended (id) VALUES ($1) ON CONFLICT DO NOTHING',
      [id],
    )
  await asMigrator('tell a store the state of its tenant', tell, database)
}
