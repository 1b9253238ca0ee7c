import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { shiftedClock, systemClock } from '../../kernel/clock.ts'
import { createLog } from '../../kernel/log.ts'
import type { Tenant } from '../tenancy/index.ts'
import { type Accounts, openAccounts } from './accounts.ts'
import { carryOut } from './consequences.ts'
import { openInbox } from './inbox.ts'
import { billing } from './index.ts'
import { processNotification } from './ingest.ts'
import type { Mollie } from './mollie.ts'
import type { MolliePeer } from './peer.ts'
import { reconcile } from './reconcile.ts'
import { sweep } from './sweep.ts'
import { withMolliePeer } from './trial.ts'

const MINUTE = 60_000
const log = createLog({ name: 'test', level: 'silent' })
const idOf = (kind: string) => `${kind}_${randomBytes(6).toString('hex')}`

describe('billing', () => {
  let platform: TestPlatform
  let accounts: Accounts
  let tenant: Tenant
  let customer: string
  let subscription: string

  before(async () => {
    platform = await testPlatform([billing])
    accounts = openAccounts(platform.stores.control, systemClock)
  })
  after(() => platform?.stop())

  const parts = (mollie: Mollie, ahead = 0) => {
    const clock = shiftedClock(systemClock, ahead)
    const { control } = platform.stores
    return { control, mollie, clock, inbox: openInbox(control, clock, MINUTE / 2) }
  }

  /** One notification from arrival to end. */
  const notify = async (mollie: Mollie, id: string) => {
    const own = parts(mollie)
    await processNotification(await own.inbox.receive(id, 'webhook'), own)
  }

  const withCustomer = (work: (mollie: Mollie, peer: MolliePeer) => Promise<void>) => async () => {
    tenant = await platform.makeTenant('rows')
    customer = idOf('cst')
    subscription = idOf('sub')
    await accounts.link(tenant.id, { customerId: customer, subscriptionId: subscription })
    await withMolliePeer(work)
  }

  const bookings = async () =>
    (await accounts.bill(tenant.id, 100))?.bookings.map(({ kind, amount }) => `${kind} ${amount}`).reverse()

  it(
    'books a payment and its refund, which come with one id',
    withCustomer(async (mollie, peer) => {
      const id = idOf('tr')
      peer.payment(id, { customerId: customer })
      await notify(mollie, id)
      assert.deepEqual(await bookings(), [])
      peer.payment(id, { status: 'paid' })
      await notify(mollie, id)
      await notify(mollie, id)
      peer.payment(id, { amountRefunded: { value: '10.00', currency: 'EUR' } })
      await notify(mollie, id)
      assert.deepEqual(await bookings(), ['payment 49.00', 'refund -10.00'])
    }),
  )

  it(
    'applies a state that was there before',
    withCustomer(async (mollie, peer) => {
      const id = idOf('tr')
      for (const value of ['0.00', '10.00', '0.00', '10.00']) {
        peer.payment(id, {
          customerId: customer,
          status: 'paid',
          amountRefunded: { value, currency: 'EUR' },
        })
        await notify(mollie, id)
      }
      assert.deepEqual(await bookings(), ['payment 49.00', 'refund -10.00', 'refund 10.00', 'refund -10.00'])
      const { control } = platform.stores
      const seen = await control.query('SELECT 1 FROM billing.event WHERE resource_id = $1', [id])
      assert.equal(seen.length, 2)
    }),
  )

  it(
    'lets no look that began earlier overwrite a later one',
    withCustomer(async (mollie, peer) => {
      const id = idOf('tr')
      const own = parts(mollie)
      peer.payment(id, { customerId: customer })
      const { promise: held, resolve: release } = Promise.withResolvers<void>()
      const { promise: asked, resolve: ask } = Promise.withResolvers<void>()
      peer.beforeAnswer(() => {
        ask()
        return held
      })
      const early = processNotification(await own.inbox.receive(id, 'webhook'), own)
      await asked
      peer.beforeAnswer(() => undefined)
      peer.payment(id, { status: 'paid' })
      await notify(mollie, id)
      release()
      await early
      const [row] = await own.control.query('SELECT status FROM billing.resource WHERE id = $1', [id])
      assert.deepEqual(row, { status: 'paid' })
      assert.deepEqual(await bookings(), ['payment 49.00'])
    }),
  )

  it(
    'suspends a tenant whose subscription ended, and lets it write when it is active again',
    withCustomer(async (mollie, peer) => {
      const own = parts(mollie)
      const stateNow = async () => {
        await carryOut(own.control, platform.tenancy.setState, systemClock)
        return (await platform.tenancy.bySlug(tenant.slug)).state
      }
      const states: string[] = []
      for (const status of ['active', 'canceled', 'canceled', 'active', 'suspended']) {
        peer.subscription(customer, subscription, { status })
        await notify(mollie, subscription)
        states.push(await stateNow())
      }
      assert.deepEqual(states, ['active', 'suspended', 'suspended', 'active', 'suspended'])
      await platform.tenancy.setState(tenant.slug, 'active')
      await notify(mollie, subscription)
      assert.equal(await stateNow(), 'active', 'what an operator did since is left alone')
      const another = idOf('sub')
      await accounts.link(tenant.id, { customerId: customer, subscriptionId: another })
      for (const [status, state] of [
        ['canceled', 'suspended'],
        ['active', 'active'],
      ]) {
        peer.subscription(customer, another, { status })
        await notify(mollie, another)
        assert.equal(await stateNow(), state)
      }
      peer.subscription(customer, another, { status: 'canceled' })
      await notify(mollie, another)
      const broken = async () => assert.fail('its store is away')
      await assert.rejects(carryOut(own.control, broken, systemClock))
      assert.equal(await stateNow(), 'suspended', 'what failed is carried out later')
      peer.subscription(customer, another, { status: 'active' })
      await notify(mollie, another)
      assert.equal(await stateNow(), 'active')
      await platform.tenancy.setState(tenant.slug, 'suspended')
      await notify(mollie, another)
      assert.equal(await stateNow(), 'suspended', 'a bill lifts only what a bill suspended')
    }),
  )

  it(
    'finds out by itself what no notification told',
    withCustomer(async (mollie, peer) => {
      const id = idOf('tr')
      peer.payment(id, { customerId: customer, status: 'paid' })
      peer.subscription(customer, subscription, { status: 'canceled' })
      const own = parts(mollie)
      const enqueue = (id: string) => processNotification(id, own)
      assert.ok((await reconcile({ ...own, enqueue })) >= 2)
      assert.deepEqual(await bookings(), ['payment 49.00'])
      assert.equal((await accounts.bill(tenant.id, 1))?.subscription, 'canceled')
      await accounts.forget(tenant.id)
      assert.equal(await accounts.bill(tenant.id, 1), null)
    }),
  )

  it(
    'keeps a notification while Mollie is away, and gives it up with an alarm in the end',
    withCustomer(async (mollie, peer) => {
      const id = idOf('tr')
      const own = parts(mollie)
      const row = await own.inbox.receive(id, 'webhook')
      await peer.close()
      await assert.rejects(processNotification(row, own))
      const find = async (state: 'retry' | 'dead') =>
        (await own.inbox.list(state, 100)).find((one) => one.resourceId === id)
      assert.equal((await find('retry'))?.attempts, 1)
      const queued: string[] = []
      const swept = (ahead: number) =>
        sweep({
          ...parts(mollie, ahead),
          log,
          settings: { sweepAfter: 2 * MINUTE, giveUpAfter: 60 * MINUTE, keepDone: 90 * MINUTE },
          enqueue: async (id) => void queued.push(id),
        })
      await swept(MINUTE)
      assert.ok(!queued.includes(row))
      await swept(3 * MINUTE)
      assert.ok(queued.includes(row))
      await swept(61 * MINUTE)
      assert.ok(await find('dead'))
      assert.ok(await own.inbox.revive(row))
      assert.ok(await find('retry'))
    }),
  )

  it(
    'takes what Mollie does not know, or another key, for what it is',
    withCustomer(async (mollie, peer) => {
      await notify(mollie, idOf('tr'))
      const id = idOf('tr')
      peer.payment(id, { customerId: customer, mode: 'live', status: 'paid' })
      await assert.rejects(notify(mollie, id), { code: 'mollie-failed' })
      assert.deepEqual(await bookings(), [])
    }),
  )
})
