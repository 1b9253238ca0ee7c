import type { Database } from '../../data/index.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Inbox } from './inbox.ts'
import type { Mollie, Seen } from './mollie.ts'
import { keepPulse } from './sweep.ts'

/** What a reconciliation works with. */
export interface ReconcileParts {
  control: Database
  inbox: Inbox
  mollie: Mollie
  clock: Clock
  enqueue(id: string): Promise<void>
}

/**
 * Asks Mollie about every customer and treats each difference as a notification that never arrived. The cancellation of
 * a subscription is always found so: Mollie sends no webhook for it. Returns how many differences there were.
 */
export async function reconcile(parts: ReconcileParts, signal?: AbortSignal): Promise<number> {
  const { control, inbox, mollie, clock, enqueue } = parts
  const accounts = await control.query<{ customerId: string; subscriptionId: string | null }>(
    'SELECT customer_id AS "customerId", subscription_id AS "subscriptionId" FROM billing.account ORDER BY 1',
  )
  let different = 0
  for (const { customerId, subscriptionId } of accounts) {
    if (signal?.aborted) return different
    const subscription = subscriptionId && (await mollie.subscription(customerId, subscriptionId))
    const seen = [...(await mollie.paymentsOf(customerId)), ...(subscription ? [subscription] : [])]
    for (const id of await unknownOf(control, seen)) {
      different += 1
      await enqueue(await inbox.receive(id, 'reconcile'))
    }
  }
  await keepPulse(control, 'reconcile', clock.now())
  return different
}

/** Those whose content is not the one in force: never seen, or seen and changed back since. */
async function unknownOf(control: Database, seen: readonly Seen[]): Promise<string[]> {
  const rows = await control.query<{ id: string; status: string; sums: string }>(
    `SELECT id, status, paid || ' ' || refunded || ' ' || charged_back AS sums FROM billing.resource
     WHERE id = ANY ($1) AND status IS NOT NULL`,
    [seen.map(({ resource }) => resource.id)],
  )
  const known = new Map(rows.map(({ id, status, sums }) => [id, `${status} ${sums}`]))
  return seen
    .filter(({ resource }) => known.get(resource.id) !== `${resource.status} ${sumsOf(resource)}`)
    .map(({ resource }) => resource.id)
}

function sumsOf(resource: Seen['resource']): string {
  if (resource.resource === 'subscription') return '0.00 0.00 0.00'
  const paid = resource.status === 'paid' ? resource.amount.value : '0.00'
  return [paid, resource.amountRefunded?.value ?? '0.00', resource.amountChargedBack?.value ?? '0.00'].join(
    ' ',
  )
}
