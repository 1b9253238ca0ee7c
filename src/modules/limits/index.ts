import { stores } from '../../data/index.ts'
import { keepSecret, readSecret } from '../../data/secrets.ts'
import { defineModule } from '../../kernel/module.ts'
import type { Audience } from '../../kernel/routes.ts'
import { edge } from '../edge/index.ts'
import { tenancy } from '../tenancy/index.ts'
import { openClientAddress, openHasher, openProxyList } from './address.ts'
import { type Budgets, limitGuard } from './guard.ts'
import { openIntrusionWatch } from './intrusion.ts'
import { openLimiter } from './limiter.ts'
import { openLoad } from './load.ts'
import { limitsMeasures } from './measures.ts'
import { type LimitsSettings, limitsSettings } from './settings.ts'

export type { LimitsSettings } from './settings.ts'

/** How much may be asked of the deployment: by address, tenant, attempt and account, and at all. */
export const limits = defineModule({
  name: 'limits',
  needs: { stores, edge, tenancy },
  settings: limitsSettings,
  migrations: { control: new URL('./migrations/control/', import.meta.url) },
  async start({ settings, clock, log }, { stores, edge, tenancy }) {
    const { redis, control } = stores
    const salt = settings.saltFileName
      ? readSecret(settings.saltFileName)
      : keepSecret(stores.secrets, 'ip-hash-salt')
    // Requests that arrive together are counted by one message each way; others' commands are not held back for that.
    const counting = redis.duplicate({ enableAutoPipelining: true })
    counting.on('error', () => undefined) // told where it is used
    const parts = {
      limiter: openLimiter(counting, {
        within: settings.redisWithin,
        awayShare: settings.awayShare,
        clock,
        log,
      }),
      hasher: openHasher(salt, settings.saltRotation, clock),
      load: openLoad({ inFlight: settings.inFlight, delay: settings.eventLoopDelay }),
      watch: openIntrusionWatch(
        { redis, control, clock, log },
        { at: settings.intrusionAt, window: settings.intrusionWindow },
      ),
      budgets: budgetsOf(settings),
      clientAddress: openClientAddress(settings.trustedProxies),
      /** Whether an address is a reverse proxy of ours. */
      isProxy: openProxyList(settings.trustedProxies),
      probePassOf: edge.probePassOf,
      log,
    }
    const audiences: Audience[] = ['trust', 'admin', 'tenant']
    return {
      api: parts,
      guards: audiences.map((audience) => ({ audience, plugin: limitGuard(audience, parts) })),
      measures: limitsMeasures({ parts, settings, salt, clock, stores, edge, tenancy }),
      async stop() {
        parts.load.stop()
        counting.disconnect()
      },
    }
  },
})

const budgetsOf = (settings: LimitsSettings): Budgets => ({
  address: { name: 'address', amount: settings.perAddress, window: settings.window },
  tenant: { name: 'tenant', amount: settings.perTenant, window: settings.window },
  attempts: { name: 'attempts', amount: settings.attemptsPerAddress, window: settings.attemptWindow },
  account: { name: 'account', amount: settings.attemptsPerAccount, window: settings.attemptWindow },
})
