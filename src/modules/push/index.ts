import type { FastifyPluginAsync } from 'fastify'
import { z } from 'zod'
import { stores } from '../../data/index.ts'
import { newId } from '../../kernel/ids.ts'
import { defineModule } from '../../kernel/module.ts'
import type { RouteGroup } from '../../kernel/routes.ts'
import { audit } from '../audit/index.ts'
import { edge } from '../edge/index.ts'
import { egress } from '../egress/index.ts'
import { identity } from '../identity/index.ts'
import { jobs } from '../jobs/index.ts'
import { secrets } from '../secrets/index.ts'
import { telemetry } from '../telemetry/index.ts'
import { type Tenant, tenancy } from '../tenancy/index.ts'
import { vault } from '../vault/index.ts'
import { openApns } from './apns.ts'
import { type Credentials, openCredentials } from './credentials.ts'
import { type Devices, openDevices } from './devices.ts'
import { openFcm } from './fcm.ts'
import { openHttp2 } from './http2.ts'
import { pushCredentialsTenant } from './measures/push-credentials-tenant.ts'
import { pushCredentialsVisibility } from './measures/push-credentials-visibility.ts'
import { pushTokenStorage } from './measures/push-token-storage.ts'
import { credentialRoutes, deviceRoutes } from './routes.ts'
import { type SenderParts, sendToAll } from './send.ts'

/** What other modules get from push. */
export interface PushApi {
  /** Sends to all devices of a tenant, in the background; returns the message's id. */
  send(
    tenant: Tenant,
    message: { title: string; body: string; data?: Record<string, string> },
  ): Promise<string>
  credentials: Credentials
  devices: Devices
}

const target = z.string().regex(/^[a-z0-9.-]+:\d{1,5}$/, 'host:port')

const settings = z.object({
  /** The hosts of the push services; each must be in `egress.register`. */
  apns: target.default('api.push.apple.com:443'),
  fcm: target.default('fcm.googleapis.com:443'),
  oauth: target.default('oauth2.googleapis.com:443'),
})

/** A message that was not delivered everywhere is tried again after this long (ms), this often. */
const LATER = 60_000
const ROUNDS = 10

const Job = z.object({
  message: z.object({
    id: z.uuid(),
    title: z.string(),
    body: z.string(),
    data: z.record(z.string(), z.string()),
  }),
  /** Null: all that there are. */
  devices: z.array(z.uuid()).nullable(),
  round: z.number().int(),
})

/** Messages to phones, by Apple's and Google's services, with each tenant's own credentials. */
export const push = defineModule({
  name: 'push',
  needs: { stores, edge, tenancy, vault, identity, audit, egress, jobs, secrets, telemetry },
  settings,
  migrations: { tenant: new URL('./migrations/tenant/', import.meta.url) },
  async start(
    { settings, clock, log },
    { stores, edge, tenancy, vault, identity, audit, egress, jobs, telemetry },
  ) {
    const http = openHttp2((tenant, target, purpose) =>
      egress.connect({ module: 'push', tenant, purpose }, target, ['h2']),
    )
    const parts: SenderParts = {
      credentials: openCredentials(vault, clock),
      devices: openDevices(vault, clock),
      services: { apns: openApns(http, settings.apns, clock), fcm: openFcm(http, settings, clock) },
    }
    const queue = jobs.define({
      name: 'push.send',
      data: Job,
      concurrency: 4,
      async run({ message, devices, round }, { tenant, signal }) {
        if (!tenant) return
        const { left, withoutCredentials, ...counts } = await sendToAll(parts, tenant, message, {
          ids: devices,
          signal,
        })
        const about = { tenant: tenant.id, message: message.id, ...counts, left: left.length }
        if (withoutCredentials.length > 0)
          log.warn(
            { ...about, services: withoutCredentials },
            'push without credentials, or with refused ones',
          )
        if (left.length === 0) return
        if (round >= ROUNDS) log.warn(about, 'push given up for some devices')
        else await queue.add(tenant, { message, devices: left, round: round + 1 }, { delay: LATER })
      },
    })
    const api: PushApi = {
      async send(tenant, { title, body, data = {} }) {
        const id = newId()
        await queue.add(tenant, { message: { id, title, body, data }, devices: null, round: 1 }, { id })
        return id
      },
      credentials: parts.credentials,
      devices: parts.devices,
    }
    const plugins = [credentialRoutes(parts.credentials, audit.record), deviceRoutes(parts.devices)]
    const routes: RouteGroup[] = plugins.map((plugin) => ({
      audience: 'tenant',
      plugin: plugin as unknown as FastifyPluginAsync,
    }))
    const canaries = tenancy.canaries.find
    const logs = telemetry.files.folder
    const measures = [
      pushCredentialsTenant({ sender: parts, egress, canaries }),
      pushCredentialsVisibility({ credentials: parts.credentials, identity, edge, canaries }),
      pushTokenStorage({ stores, devices: parts.devices, edge, logs, canaries }),
    ]
    return { api, routes, measures, stop: async () => http.close() }
  },
})
