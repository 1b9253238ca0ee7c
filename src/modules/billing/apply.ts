import type { SqlClient } from '../../data/sql.ts'
import { newId } from '../../kernel/ids.ts'
import type { MollieResource, Seen } from './mollie.ts'

/** One look at a resource: what was seen, and which look it was. */
export interface Look extends Seen {
  /** Counts looks in the order in which they began. */
  number: string
  at: Date
}

/**
 * Brings what we know in line with what was seen, in the caller's transaction. The content goes into the history once.
 * The state is applied every time, also one that was there before (A, B, A), unless a look that began later is in
 * force; money is booked as the difference to before, so a repetition books nothing.
 */
export async function applyLook(client: SqlClient, look: Look): Promise<void> {
  const { resource, hash, number, at } = look
  await client.query('INSERT INTO billing.resource (id) VALUES ($1) ON CONFLICT DO NOTHING', [resource.id])
  const { rows } = await client.query<{ superseded: boolean }>(
    'SELECT look_in_force >= $2 AS superseded FROM billing.resource WHERE id = $1 FOR UPDATE',
    [resource.id, number],
  )
  await client.query(
    `INSERT INTO billing.event (resource_id, payload_hash, status, seen_at) VALUES ($1, $2, $3, $4)
     ON CONFLICT DO NOTHING`,
    [resource.id, hash, resource.status, at],
  )
  if (rows[0]?.superseded) return
  if (resource.resource === 'payment') await book(client, resource, look)
  await client.query(
    `UPDATE billing.resource SET status = $2, customer_id = $3, look_in_force = $4, changed_at = $5 WHERE id = $1`,
    [resource.id, resource.status, resource.customerId ?? null, number, at],
  )
  if (resource.resource === 'subscription') await conclude(client, resource, look)
}

async function book(
  client: SqlClient,
  payment: Extract<MollieResource, { resource: 'payment' }>,
  { number, at }: Look,
): Promise<void> {
  const { id, status, amount, amountRefunded, amountChargedBack } = payment
  const sums = [
    status === 'paid' ? amount.value : '0',
    amountRefunded?.value ?? '0',
    amountChargedBack?.value ?? '0',
  ]
  await client.query(
    `INSERT INTO billing.booking (id, resource_id, kind, amount, currency, look, booked_at)
     SELECT new.id, r.id, new.kind, new.change, $5, $6, $7
     FROM billing.resource r, LATERAL (VALUES
       ($8::uuid, 'payment', $2::numeric - r.paid),
       ($9::uuid, 'refund', r.refunded - $3::numeric),
       ($10::uuid, 'chargeback', r.charged_back - $4::numeric)) AS new (id, kind, change)
     WHERE r.id = $1 AND new.change <> 0`,
    [id, ...sums, amount.currency, number, at, newId(), newId(), newId()],
  )
  await client.query(
    `UPDATE billing.resource SET paid = $2, refunded = $3, charged_back = $4, currency = $5 WHERE id = $1`,
    [id, ...sums, amount.currency],
  )
}

/**
 * Writes down what the subscription's state means for its tenant, when that is new. One that ended suspends, once. One
 * that is active lifts what a bill suspended, and nothing else.
 */
async function conclude(
  client: SqlClient,
  { id, status }: MollieResource,
  { number, at }: Look,
): Promise<void> {
  if (status === 'pending') return
  await client.query(
    `WITH before AS (SELECT a.tenant_id,
       (SELECT c.state FROM billing.consequence c WHERE c.subscription_id = $1 ORDER BY c.look DESC LIMIT 1) AS own,
       (SELECT c.state FROM billing.consequence c WHERE c.tenant_id = a.tenant_id ORDER BY c.look DESC LIMIT 1) AS any
       FROM billing.account a WHERE a.subscription_id = $1)
     INSERT INTO billing.consequence (subscription_id, look, tenant_id, state, decided_at)
     SELECT $1, $2, tenant_id, $3, $4 FROM before
     WHERE CASE $3 WHEN 'suspended' THEN own IS DISTINCT FROM 'suspended'
       ELSE coalesce(own, before.any) = 'suspended' END
     ON CONFLICT DO NOTHING`,
    [id, number, status === 'active' ? 'active' : 'suspended', at],
  )
}
