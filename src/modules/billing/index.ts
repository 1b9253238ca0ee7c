import { z } from 'zod'
import { stores } from '../../data/index.ts'
import { defineModule } from '../../kernel/module.ts'
import { edge } from '../edge/index.ts'
import { egress } from '../egress/index.ts'
import { jobs } from '../jobs/index.ts'
import { runtime } from '../runtime/index.ts'
import { tenancy } from '../tenancy/index.ts'
import { type Accounts, openAccounts } from './accounts.ts'
import { billingCommands } from './commands.ts'
import { carryOut } from './consequences.ts'
import { demoCommand } from './demo.ts'
import { openInbox } from './inbox.ts'
import { processNotification } from './ingest.ts'
import { contradictingMode } from './keyMode.ts'
import { mollieKeymode } from './measures/mollie-keymode.ts'
import { paymentsSweeper } from './measures/payments-sweeper.ts'
import { webhookIdempotent } from './measures/webhook-idempotent.ts'
import { openMollie } from './mollie.ts'
import { EVENT, jobIdOf } from './queue.ts'
import { reconcile } from './reconcile.ts'
import { billingRoutes } from './routes.ts'
import { modeOf, settings } from './settings.ts'
import { STAND_IN_HOST } from './standIn.ts'
import { sweep } from './sweep.ts'

export { WEBHOOK_PATH } from './routes.ts'
export type { BillingSettings } from './settings.ts'
export { keepStandInAuthority, STAND_IN_HOST, serveStandIn } from './standIn.ts'

/** What other modules get from billing. */
export interface BillingApi extends Pick<Accounts, 'link' | 'forget'> {
  /** Asks Mollie now for what no notification told; returns how many differences there were. */
  reconcile(): Promise<number>
}

/** Payments and subscriptions at Mollie; a tenant whose subscription ended is suspended. */
export const billing = defineModule({
  name: 'billing',
  needs: { stores, tenancy, jobs, edge, egress, runtime },
  settings,
  migrations: { control: new URL('./migrations/control/', import.meta.url) },
  contradictions: contradictingMode,
  async start({ settings, clock, log, program }, { stores, tenancy, jobs, egress, runtime }) {
    const { control } = stores
    const { key, apiUrl } = settings
    const inbox = openInbox(control, clock, settings.lease)
    const accounts = openAccounts(control, clock)
    const mollie = key
      ? openMollie({
          key,
          mode: modeOf(key),
          apiUrl,
          fetch: (purpose, url, init) =>
            egress.fetch({ module: 'billing', tenant: null, purpose }, url, init),
        })
      : undefined
    const queue = jobs.define({
      name: EVENT,
      data: z.object({ id: z.uuid() }),
      concurrency: 8,
      async run({ id }) {
        if (mollie) await processNotification(id, { control, inbox, mollie, clock })
        await settle()
      },
    })
    const enqueue = async (id: string) => void (await queue.add(null, { id }, { id: jobIdOf(id) }))
    const settle = async () => {
      if (stores.migrator) await carryOut(control, tenancy.setState, clock)
    }
    const compare = async (signal?: AbortSignal) =>
      mollie ? reconcile({ control, inbox, mollie, clock, enqueue }, signal) : 0
    if (mollie) {
      jobs.every('billing.sweep', settings.sweepEvery, async () => {
        await sweep({ control, clock, log, settings, enqueue })
        await settle()
      })
      jobs.every('billing.reconcile', settings.reconcileEvery, async (signal) => void (await compare(signal)))
    }
    const postWith = (key: string) => async (path: string, body: unknown) => {
      const caller = { module: 'billing', tenant: null, purpose: 'stand-in.tell' }
      const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
      const answer = await egress.fetch(caller, `${apiUrl}${path}`, {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
      })
      await answer.text()
      return answer.status
    }
    const api: BillingApi = { link: accounts.link, forget: accounts.forget, reconcile: () => compare() }
    return {
      api,
      routes: mollie ? billingRoutes({ accounts, inbox, enqueue }) : [],
      commands: [
        ...billingCommands({ ...api, bySlug: tenancy.bySlug, bill: accounts.bill }),
        ...(key && new URL(apiUrl).hostname === STAND_IN_HOST
          ? [demoCommand({ tenancy, accounts, reconcile: api.reconcile, post: postWith(key) })]
          : []),
      ],
      measures: [
        mollieKeymode(key ? modeOf(key) : null, runtime.environment, program),
        webhookIdempotent(stores, settings.lease),
        paymentsSweeper(settings, stores, jobs.trial),
      ],
    }
  },
})
