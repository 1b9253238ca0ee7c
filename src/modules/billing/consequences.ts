import type { Database } from '../../data/index.ts'
import type { Clock } from '../../kernel/clock.ts'
import { Problem } from '../../kernel/problems.ts'
import type { TenancyApi } from '../tenancy/index.ts'

interface Open {
  subscription_id: string
  look: string
  state: 'active' | 'suspended'
  slug: string | null
}

/**
 * Carries out what changes of subscriptions mean for their tenants, for each in the order in which it was decided.
 * Repeating one changes nothing, so a crash between doing it and noting it is harmless. One tenant's failure keeps no
 * other waiting; the first is thrown in the end. Only where the process holds the migrator's password.
 */
export async function carryOut(
  control: Database,
  setState: TenancyApi['setState'],
  clock: Clock,
): Promise<void> {
  const failures: unknown[] = []
  const tenants = await control.query<{ id: string }>(
    'SELECT tenant_id AS id FROM billing.consequence WHERE done_at IS NULL GROUP BY 1 ORDER BY min(decided_at)',
  )
  for (const { id } of tenants)
    await carryOutAll(control, id, setState, clock).catch((error: unknown) => failures.push(error))
  if (failures.length > 0) throw failures[0]
}

/** Locked until all are noted: two processes never carry out two of one tenant in the wrong order. */
function carryOutAll(
  control: Database,
  tenantId: string,
  setState: TenancyApi['setState'],
  clock: Clock,
): Promise<void> {
  return control.transaction(async (client) => {
    const { rows } = await client.query<Open>(
      `SELECT c.subscription_id, c.look, c.state, t.slug FROM billing.consequence c
       LEFT JOIN tenancy.tenant t ON t.id = c.tenant_id
       WHERE c.tenant_id = $1 AND c.done_at IS NULL ORDER BY c.look FOR UPDATE OF c`,
      [tenantId],
    )
    for (const { subscription_id: subscription, look, state, slug } of rows) {
      if (slug) await setState(slug, state).catch(unlessGone)
      await client.query(
        'UPDATE billing.consequence SET done_at = $3 WHERE subscription_id = $1 AND look = $2',
        [subscription, look, clock.now()],
      )
    }
  })
}

/** The tenant was erased meanwhile, or is a canary, which no bill suspends. */
function unlessGone(error: unknown): void {
  if (!(error instanceof Problem && error.code === 'tenant-not-found')) throw error
}
