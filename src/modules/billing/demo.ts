import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ModuleCommand } from '../../kernel/commands.ts'
import { defineProblem, Problem } from '../../kernel/problems.ts'
import type { TenancyApi } from '../tenancy/index.ts'
import type { Accounts } from './accounts.ts'
import { TELL_PATH } from './peer.ts'

const noStandIn = defineProblem({
  code: 'billing-stand-in',
  status: 503,
  title: 'The stand-in for Mollie does not answer',
})
const notSeen = defineProblem({
  code: 'billing-demo',
  status: 500,
  title: 'What was expected did not happen',
})

/** What the demonstration works with. */
export interface DemoParts {
  tenancy: Pick<TenancyApi, 'bySlug' | 'create' | 'setState' | 'baseDomain' | 'list'>
  accounts: Accounts
  reconcile(): Promise<number>
  /** Sends a JSON body to the stand-in; the answer's status. */
  post(path: string, body: unknown): Promise<number>
}

const SLUG = 'payments-demo'
const PATIENCE = 30_000
const LOOK_AGAIN = 100

/** Plays a payment, a refund and a cancellation at the stand-in for Mollie, and shows what becomes of each here. */
export function demoCommand(parts: DemoParts): ModuleCommand {
  return {
    name: 'billing:demo',
    takes: [],
    description: 'play a payment, a refund and a cancellation with the stand-in for Mollie',
    run: (_, print) => play(parts, print),
  }
}

async function play(
  { tenancy, accounts, reconcile, post }: DemoParts,
  print: (line: string) => void,
): Promise<void> {
  const { id } = await keepTenant(tenancy)
  const random = randomBytes(5).toString('hex')
  const [customerId, payment, subscription] = [`cst_${random}`, `tr_${random}`, `sub_${random}`] as const
  const tell = async (kind: 'payment' | 'subscription', fields: Record<string, unknown>) => {
    const told = { kind, id: kind === 'payment' ? payment : subscription, customerId, fields }
    if ((await post(TELL_PATH, told)) !== 200) throw noStandIn('Start it with `npm start`.')
  }
  const booked = async (kind: string) => {
    const found = await until(async () =>
      (await accounts.bill(id, 10))?.bookings.find((one) => one.payment === payment && one.kind === kind),
    )
    print(`  here:   booked, ${kind} of ${found.amount} ${found.currency}`)
  }
  await accounts.link(id, { customerId, subscriptionId: subscription })
  await tell('subscription', { status: 'active' })
  print(`${SLUG} is customer ${customerId} and has a subscription.`)
  await tell('payment', { status: 'paid' })
  print(`  Mollie: ${payment} was paid; a notification is on its way`)
  await booked('payment')
  await tell('payment', { amountRefunded: { value: '10.00', currency: 'EUR' } })
  print(`  Mollie: 10.00 EUR of ${payment} were refunded; a notification with the same id is on its way`)
  await booked('refund')
  await tell('subscription', { status: 'canceled' })
  print('  Mollie: the subscription was cancelled, of which Mollie sends no notification')
  await reconcile()
  await until(async () => (await tenancy.bySlug(SLUG)).state === 'suspended' || undefined)
  print(`  here:   found by asking; ${SLUG} is suspended and can read, not write`)
}

async function keepTenant(tenancy: DemoParts['tenancy']): Promise<{ id: string }> {
  const hosts = [`${SLUG}.${tenancy.baseDomain}`]
  // Canaries tell which isolation models are offered.
  const models = (await tenancy.list()).filter(({ canary }) => canary).map(({ model }) => model)
  const model = models.includes('rows') ? 'rows' : 'database'
  await tenancy.create({ slug: SLUG, name: 'Payments demo', model, hosts }).catch((error: unknown) => {
    if (!(error instanceof Problem && error.code === 'tenant-exists')) throw error
  })
  await tenancy.setState(SLUG, 'active')
  return tenancy.bySlug(SLUG)
}

async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (const deadline = performance.now() + PATIENCE; performance.now() < deadline; await sleep(LOOK_AGAIN)) {
    const seen = await look()
    if (seen !== undefined) return seen
  }
  throw notSeen(`It did not within ${PATIENCE / 1_000} s. Does \`npm start\` run?`)
}
