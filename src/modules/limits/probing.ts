import { randomInt } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { EdgeAnswer, EdgeApi } from '../edge/index.ts'
import type { Tenant } from '../tenancy/index.ts'

/** An address of the benchmarking or the documentation network (RFC 2544, RFC 3849): nobody has it. */
export function strangeAddress(version: 4 | 6): string {
  const byte = () => randomInt(1, 255)
  if (version === 4) return `198.${randomInt(18, 20)}.${byte()}.${byte()}`
  const group = () => randomInt(0x1000, 0xffff).toString(16)
  return `2001:db8:${group()}:${group()}::${group()}`
}

/** An attempt to sign in that fits no schema, so it is refused before any password is hashed; 429 when it is too much. */
export function attemptFrom(edge: EdgeApi, tenant: Tenant, from: string): Promise<EdgeAnswer> {
  return edge.request({
    host: tenant.hosts[0] as string,
    method: 'POST',
    path: '/api/v1/auth/sign-in',
    headers: { 'content-type': 'application/json', 'x-forwarded-for': from },
    body: '{}',
    from,
  })
}

/** Units left in the bucket of `budget`, as the answer tells. */
export function leftOf({ headers }: EdgeAnswer, budget: string): number | undefined {
  const found = new RegExp(`"${budget}";r=(\\d+)`).exec(String(headers.ratelimit ?? ''))
  return found ? Number(found[1]) : undefined
}

/** Every key that matches. */
export async function keysLike(redis: Redis, pattern: string): Promise<string[]> {
  const found: string[] = []
  for await (const keys of redis.scanStream({ match: pattern, count: 500 })) found.push(...(keys as string[]))
  return found
}

/** Removes the buckets that a probe filled. */
export async function sweep(redis: Redis, networks: readonly string[]): Promise<void> {
  for (const network of networks) {
    const keys = await keysLike(redis, `limit:{limits}:*${network}`)
    if (keys.length > 0) await redis.del(...keys)
  }
}
