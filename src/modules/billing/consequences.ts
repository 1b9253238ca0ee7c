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
 * Carries out what changes of subscriptions mean for their tenants, in the order in which it was decided. Repeating
 * one changes nothing, so a crash between doing it and noting it is harmless. Only where the process holds the
 * migrator's password.
 */
export async function carryOut(
  control: Database,
  setState: TenancyApi['setState'],
  clock: Clock,
): Promise<void> {
  while (await carryOutOne(control, setState, clock));
}

async function carryOutOne(
  control: Database,
  setState: TenancyApi['setState'],
  clock: Clock,
): Promise<boolean> {
  return control.transaction(async (client) => {
    // Locked until it is noted: two processes never carry out two of one tenant in the wrong order.
    const { rows } = await client.query<Open>(
      `SELECT c.subscription_id, c.look, c.state, t.slug FROM billing.consequence c
       LEFT JOIN tenancy.tenant t ON t.id = c.tenant_id
       WHERE c.done_at IS NULL ORDER BY c.decided_at, c.look LIMIT 1 FOR UPDATE OF c`,
    )
    const [open] = rows
    if (!open) return false
    if (open.slug) await setState(open.slug, open.state).catch(unlessGone)
    await client.query(
      'UPDATE billing.consequence SET done_at = $3 WHERE subscription_id = $1 AND look = $2',
      [open.subscription_id, open.look, clock.now()],
    )
    return true
  })
}

/** The tenant was erased meanwhile, or is a canary, which no bill suspends. */
function unlessGone(error: unknown): void {
  if (!(error instanceof Problem && error.code === 'tenant-not-found')) throw error
}
