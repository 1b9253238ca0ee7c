import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../kernel/clock.ts'

/** Who changes something, as the audit trail tells it. */
export interface Actor {
  kind: 'member' | 'operator' | 'staff' | 'system'
  /** The person's id; of staff their database role; of a system actor what it is, such as `jobs`. No spaces. */
  id: string
  /** The operator who acts in this person's name. */
  impersonator?: string
}

/** Seals of actors, made once and used while they are good. */
export interface ActorSeals {
  /** `life` in ms, beyond the usual minute for what takes longer. */
  of(tenantId: string, actor: Actor, life?: number): string
}

/** The tenant id of what concerns the deployment and no tenant. */
export const NO_TENANT = '00000000-0000-0000-0000-000000000000'

/** A seal is good for this long (ms), renewed after half of it, and accepted this much beyond it (clocks differ). */
const ACTOR_SEAL_LIFE = 60_000
const TOLERANCE = 10_000

/** Seals kept at most. */
const MOST = 10_000

/**
 * Makes seals: `<actor> <expiry, Unix ms> <HMAC-SHA-256 over tenant, actor and expiry, 128 bits, base64url>`. They
 * travel with each flight and are stored with each change. Nothing in the database can make one, not even its superuser:
 * the key is not there. Who reads the trail checks them (`checkActor`), so a write costs no check.
 */
export function openActorSeals(key: Uint8Array, clock: Clock): ActorSeals {
  const known = new Map<string, { seal: string; until: number }>()
  return {
    of(tenantId, actor, life = ACTOR_SEAL_LIFE) {
      const name = nameActor(actor)
      const cacheKey = `${tenantId} ${name}`
      const now = clock.now().getTime()
      const found = known.get(cacheKey)
      if (found && found.until - now > life / 2) return found.seal
      const until = now + life
      const seal = `${name} ${until} ${macOf(tenantId, name, until, key)}`
      if (known.size >= MOST) known.delete(known.keys().next().value as string)
      known.set(cacheKey, { seal, until })
      return seal
    },
  }
}

/** `member:<id>`, with `+operator:<id>` where an operator acts in the member's name. */
export function nameActor({ kind, id, impersonator }: Actor): string {
  return `${kind}:${id}${impersonator ? `+operator:${impersonator}` : ''}`
}

/**
 * Whether `seal`, stored with something that happened at `at`, was made by the holder of the key for that tenant and time.
 * An older seal that was read somewhere and used again is refused.
 */
export function checkActor(seal: string, tenantId: string, at: Date, key: Uint8Array): boolean {
  const [name, until, mac, ...rest] = seal.split(' ')
  if (!name || !until || !mac || rest.length > 0) return false
  const inTime = at.getTime() <= Number(until) + TOLERANCE
  const expected = Buffer.from(macOf(tenantId, name, Number(until), key))
  const given = Buffer.from(mac)
  return inTime && given.length === expected.length && timingSafeEqual(given, expected)
}

function macOf(tenantId: string, name: string, until: number, key: Uint8Array): string {
  const mac = createHmac('sha256', key).update(`actor ${tenantId} ${name} ${until}`).digest()
  return mac.subarray(0, 16).toString('base64url')
}
