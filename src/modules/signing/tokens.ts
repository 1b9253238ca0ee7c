import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { and, eq, isNull, lt } from 'drizzle-orm'
import type { Clock } from '../../kernel/clock.ts'
import { isId, newId } from '../../kernel/ids.ts'
import type { Log } from '../../kernel/log.ts'
import { type AuditApi, recordIn } from '../audit/index.ts'
import type { Tenant } from '../tenancy/index.ts'
import type { Material, Materials } from './materials.ts'
import { tokenRefused } from './problems.ts'
import { token } from './tables.ts'

/** The longest life of a token (ms). */
export const LONGEST_LIFE = 15 * 60_000

/** Tokens by which a build fetches material: short-lived, for named material, good once. */
export interface Tokens {
  /** `sgn_<id>_<secret>`, shown this once. `life` in ms. Throws `signing-material` (404). */
  issue(tenant: Tenant, names: readonly string[], life: number): Promise<string>
  /**
   * What the token was made for; it is good no more. Fetching and refusing stand in the tenant's trail, a refusal raises
   * an alarm as well. Throws `signing-token-refused` (401).
   */
  redeem(tenant: Tenant, given: string, names: readonly string[]): Promise<Material[]>
}

export interface TokenParts {
  materials: Materials
  record: AuditApi['record']
  clock: Clock
  log: Log
}

export function openTokens({ materials, record, clock, log }: TokenParts): Tokens {
  async function refuse(tenant: Tenant, id: string, names: readonly string[], why: string): Promise<never> {
    log[tenant.canary ? 'info' : 'error'](
      { alarm: 'signing-refused', tenant: tenant.id, canary: tenant.canary, why },
      'signing material was asked for and refused',
    )
    const target = `signing token ${id}`
    await record(tenant.as(RUNNER), { act: 'signing.refused', target, details: { names, why } })
    throw tokenRefused(
      'Ask for a new token: each is good once, for minutes, for what it names, at its tenant.',
    )
  }

  return {
    async issue(tenant, names, life) {
      for (const name of names) await materials.open(tenant, name)
      const [id, secret] = [newId(), randomBytes(32).toString('hex')]
      const expiresAt = new Date(clock.now().getTime() + Math.min(life, LONGEST_LIFE))
      await tenant.transaction(async (db) => {
        await db.delete(token).where(lt(token.expiresAt, clock.now()))
        await db.insert(token).values({ id, hash: hashOf(secret), materials: [...names], expiresAt })
        await recordIn(db, { act: 'signing.token', target: `signing token ${id}`, details: { names } })
      })
      return `sgn_${id}_${secret}`
    },

    async redeem(tenant, given, names) {
      const [, id = '', secret = ''] = /^sgn_([0-9a-f-]{36})_([0-9a-f]{64})$/.exec(given) ?? []
      if (!isId(id)) return refuse(tenant, 'malformed', names, 'no token')
      const outcome = await tenant.as(RUNNER).transaction(async (db) => {
        const [row] = await db.select().from(token).where(eq(token.id, id))
        if (!row || !timingSafeEqual(row.hash, hashOf(secret))) return 'unknown here'
        if (row.expiresAt <= clock.now()) return 'expired'
        if (names.length === 0 || names.some((name) => !row.materials.includes(name))) return 'not for that'
        const used = await db
          .update(token)
          .set({ usedAt: clock.now() })
          .where(and(eq(token.id, id), isNull(token.usedAt)))
          .returning({ id: token.id })
        if (used.length === 0) return 'used'
        await recordIn(db, { act: 'signing.fetch', target: `signing token ${id}`, details: { names } })
        return 'good'
      })
      if (outcome !== 'good') return refuse(tenant, id, names, outcome)
      return Promise.all(names.map((name) => materials.open(tenant, name)))
    },
  }
}

/** As whom a build stands in the trail. */
const RUNNER = { kind: 'system', id: 'signing-runner' } as const

const hashOf = (secret: string): Buffer => createHash('sha256').update(secret).digest()
