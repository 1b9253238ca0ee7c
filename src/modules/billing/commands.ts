import type { ModuleCommand } from '../../kernel/commands.ts'
import type { TenancyApi } from '../tenancy/index.ts'
import type { Accounts } from './accounts.ts'

interface Parts extends Pick<Accounts, 'link' | 'bill'> {
  bySlug: TenancyApi['bySlug']
  reconcile(): Promise<number>
}

const MOST_LISTED = 50

/** What an operator does about bills at the command line. */
export function billingCommands({ link, bill, bySlug, reconcile }: Parts): ModuleCommand[] {
  return [
    {
      name: 'billing:link',
      takes: ['tenant', 'customer', 'subscription'],
      description: "say which customer (cst_…) and subscription (sub_…, or -) at Mollie are a tenant's",
      async run([slug = '', customerId = '', subscription = ''], print) {
        const { id } = await bySlug(slug)
        await link(id, { customerId, subscriptionId: subscription === '-' ? null : subscription })
        print(`${slug} is ${customerId}; ${await reconcile()} changes are being taken over.`)
      },
    },
    {
      name: 'billing:show',
      takes: ['tenant'],
      description: "a tenant's subscription and bookings",
      async run([slug = ''], print) {
        const { id } = await bySlug(slug)
        const found = await bill(id, MOST_LISTED)
        if (!found) return print(`${slug} is no customer at Mollie.`)
        print(`${found.customerId}, subscription ${found.subscription ?? '-'}`)
        for (const { bookedAt, kind, amount, currency, payment } of found.bookings)
          print(`${bookedAt} ${kind.padEnd(10)} ${amount.padStart(12)} ${currency} ${payment}`)
      },
    },
    {
      name: 'billing:reconcile',
      takes: [],
      description: 'ask Mollie for changes of which no notification arrived',
      async run(_, print) {
        print(`${await reconcile()} changes are being taken over.`)
      },
    },
  ]
}
