import { setTimeout as sleep } from 'node:timers/promises'
import { Problem } from '../../kernel/problems.ts'
import type { Tenant } from '../tenancy/index.ts'
import type { Credentials, OpenCredential } from './credentials.ts'
import type { Device, Devices } from './devices.ts'
import type { Delivery, Message, SendToDevice } from './service.ts'
import { SERVICES, type Service } from './tables.ts'

/** How often one device is tried in one go, and the first pause (ms); each further one is twice as long. */
const ATTEMPTS = 4
const PAUSE = 500
const LONGEST_PAUSE = 10_000
/** Requests under way for one tenant. */
const AT_ONCE = 20

/** What became of a message to many devices. */
export interface Sent {
  sent: number
  /** Devices that were removed, since their service no longer knows them. */
  removed: number
  /** Will not get it: no credentials for their service, or the message was rejected. */
  dropped: number
  /** Ids of devices that are worth another attempt later. */
  left: string[]
  /** Services whose credentials are missing or were refused. */
  withoutCredentials: Service[]
}

/** What sending is made of; a probe has services of its own. */
export interface SenderParts {
  credentials: Credentials
  devices: Devices
  services: Readonly<Record<Service, SendToDevice>>
}

/**
 * Sends `message` to all devices of a tenant, or to those of `ids`, with the tenant's own credentials. Tries again what
 * is worth it, and removes devices that are gone. Ends early, with what is left, when `signal` aborts.
 */
export async function sendToAll(
  parts: SenderParts,
  tenant: Tenant,
  message: Message,
  { ids, signal }: { ids: readonly string[] | null; signal: AbortSignal },
): Promise<Sent> {
  const result: Sent = { sent: 0, removed: 0, dropped: 0, left: [], withoutCredentials: [] }
  const credentials = await openAll(parts.credentials, tenant)
  for await (const page of parts.devices.pages(tenant, ids)) {
    const waiting = [...page]
    const worker = async () => {
      for (let one = waiting.shift(); one; one = waiting.shift()) {
        const found = credentials.get(one.service)
        const delivery = found ? await tryOne(parts, tenant, found, one, message, signal) : undefined
        if (!delivery) {
          if (!result.withoutCredentials.includes(one.service)) result.withoutCredentials.push(one.service)
          credentials.delete(one.service)
        }
        await settle(parts.devices, tenant, one, delivery, result)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, worker))
  }
  return result
}

async function openAll(credentials: Credentials, tenant: Tenant): Promise<Map<Service, OpenCredential>> {
  const opened = new Map<Service, OpenCredential>()
  for (const service of SERVICES) {
    const one = await credentials.open(tenant, service).catch(unless('push-not-configured'))
    if (one) opened.set(service, one)
  }
  return opened
}

/** Undefined when the credentials were refused. */
async function tryOne(
  { services }: SenderParts,
  tenant: Tenant,
  credential: OpenCredential,
  { service, token }: Device,
  message: Message,
  signal: AbortSignal,
): Promise<Delivery | undefined> {
  for (let attempt = 1; ; attempt++) {
    const delivery = await services[service](tenant, credential, token, message).catch(asDelivery)
    if (delivery?.outcome !== 'later' || attempt === ATTEMPTS || signal.aborted) return delivery
    const pause = Math.max(delivery.after, PAUSE * 2 ** (attempt - 1) * (0.5 + Math.random()))
    if (pause > LONGEST_PAUSE) return delivery
    await sleep(pause, undefined, { signal }).catch(() => undefined)
  }
}

/** A server that is away is worth another attempt; a refusal of ours to call it is not, but says why. */
function asDelivery(error: unknown): Delivery | undefined {
  if (!(error instanceof Problem)) return { outcome: 'later', after: 0 }
  if (error.code === 'push-credentials-refused') return undefined
  throw error
}

async function settle(
  devices: Devices,
  tenant: Tenant,
  { id }: Device,
  delivery: Delivery | undefined,
  result: Sent,
): Promise<void> {
  if (delivery?.outcome === 'sent') result.sent += 1
  else if (delivery?.outcome === 'later') result.left.push(id)
  else if (delivery?.outcome === 'gone') {
    await devices.forget(tenant, { id, since: delivery.since })
    result.removed += 1
  } else result.dropped += 1
}

function unless(code: string) {
  return (error: unknown): undefined => {
    if (!(error instanceof Problem && error.code === code)) throw error
  }
}
