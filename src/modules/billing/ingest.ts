import type { Database } from '../../data/index.ts'
import type { Clock } from '../../kernel/clock.ts'
import { defineProblem } from '../../kernel/problems.ts'
import { applyLook } from './apply.ts'
import type { Claimed, Inbox } from './inbox.ts'
import type { Mollie, Seen } from './mollie.ts'

const taken = defineProblem({
  code: 'notification-taken',
  status: 409,
  title: 'Another process is at this notification',
})

/** What processing takes. */
export interface IngestParts {
  control: Database
  inbox: Inbox
  mollie: Mollie
  clock: Clock
}

/**
 * Processes one notification to its end: looks at the resource, then, in one transaction, applies what was seen and
 * closes the notification. Killed at any point, it is either closed with everything it led to, or open and begun anew.
 * Rejects when it is to be tried again.
 */
export async function processNotification(id: string, parts: IngestParts): Promise<void> {
  const { inbox } = parts
  const claimed = await inbox.claim(id)
  if (claimed === 'done') return
  if (claimed === 'leased') throw taken('It is tried again when that one is surely over.')
  try {
    await lookAndApply(claimed, parts)
  } catch (error) {
    await inbox.fail(claimed, error instanceof Error ? error.message : 'not an error')
    throw error
  }
}

async function lookAndApply(claimed: Claimed, { control, inbox, mollie, clock }: IngestParts): Promise<void> {
  const { resourceId } = claimed
  const [begun] = await control.query<{ number: string }>(`SELECT nextval('billing.look') AS number`)
  const seen = await look(control, mollie, resourceId)
  await control.transaction(async (client) => {
    if (!(await inbox.finish(client, claimed))) throw taken('Its lease was over; whoever has it now goes on.')
    // What Mollie does not know needs nothing: anybody may send us made-up ids.
    if (seen) await applyLook(client, { ...seen, number: begun?.number ?? '0', at: clock.now() })
  })
}

async function look(control: Database, mollie: Mollie, id: string): Promise<Seen | null> {
  if (id.startsWith('tr_')) return mollie.payment(id)
  const [account] = await control.query<{ customerId: string }>(
    'SELECT customer_id AS "customerId" FROM billing.account WHERE subscription_id = $1',
    [id],
  )
  return account ? mollie.subscription(account.customerId, id) : null
}
