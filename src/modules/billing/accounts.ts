import type { Database } from '../../data/index.ts'
import type { Clock } from '../../kernel/clock.ts'
import { defineProblem } from '../../kernel/problems.ts'

const invalidAccount = defineProblem({
  code: 'billing-account',
  status: 400,
  title: 'These are not ids of Mollie',
})

/** A tenant as Mollie's customer. */
export interface Account {
  customerId: string
  subscriptionId: string | null
}

/** What a tenant may see of its bills. */
export interface Bill extends Account {
  /** The subscription's state at Mollie, once it was seen. */
  subscription: string | null
  bookings: { payment: string; kind: string; amount: string; currency: string; bookedAt: string }[]
}

/** Tenants and their customers at Mollie. */
export interface Accounts {
  /** Says which customer and subscription a tenant is; replaces what was said before. */
  link(tenantId: string, account: Account): Promise<void>
  /** Null where nothing was linked. Newest booking first. */
  bill(tenantId: string, limit: number): Promise<Bill | null>
  /** Forgets whose the customer is. Bookings stay: they must be kept, and name nobody. */
  forget(tenantId: string): Promise<void>
}

/** The accounts in the control database. */
export function openAccounts(control: Database, clock: Clock): Accounts {
  return {
    async link(tenantId, { customerId, subscriptionId }) {
      if (
        !/^cst_[A-Za-z0-9]{1,40}$/.test(customerId) ||
        !/^(sub_[A-Za-z0-9]{1,40})?$/.test(subscriptionId ?? '')
      )
        throw invalidAccount('A customer is cst_…, a subscription sub_….')
      await control.query(
        `INSERT INTO billing.account (tenant_id, customer_id, subscription_id, linked_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (tenant_id) DO UPDATE SET customer_id = excluded.customer_id,
           subscription_id = excluded.subscription_id, linked_at = excluded.linked_at`,
        [tenantId, customerId, subscriptionId, clock.now()],
      )
    },
    async bill(tenantId, limit) {
      const [account] = await control.query<Account & { subscription: string | null }>(
        `SELECT a.customer_id AS "customerId", a.subscription_id AS "subscriptionId", r.status AS subscription
         FROM billing.account a LEFT JOIN billing.resource r ON r.id = a.subscription_id WHERE a.tenant_id = $1`,
        [tenantId],
      )
      if (!account) return null
      const bookings = await control.query<Bill['bookings'][number]>(
        `SELECT b.resource_id AS payment, b.kind, b.amount::text, b.currency,
           to_char(b.booked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "bookedAt"
         FROM billing.booking b JOIN billing.resource r ON r.id = b.resource_id
         WHERE r.customer_id = $1 ORDER BY b.booked_at DESC, b.look DESC LIMIT $2`,
        [account.customerId, limit],
      )
      return { ...account, bookings }
    },
    async forget(tenantId) {
      await control.query('DELETE FROM billing.account WHERE tenant_id = $1', [tenantId])
    },
  }
}
