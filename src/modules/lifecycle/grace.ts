import type { TenantRecord } from '../tenancy/index.ts'

/** What is left of a suspended tenant's time. */
export interface Grace {
  /** From this instant on its data is erased. */
  erasedAfter: Date
  /** Whole days left; 0 on the last one. */
  daysLeft: number
}

const DAY = 86_400_000

/** Until when a tenant that is suspended stays online; null while it is active. `grace` in milliseconds. */
export function graceOf(
  { suspendedAt }: Pick<TenantRecord, 'suspendedAt'>,
  grace: number,
  now: Date,
): Grace | null {
  if (!suspendedAt) return null
  const erasedAfter = new Date(suspendedAt.getTime() + grace)
  return { erasedAfter, daysLeft: Math.max(0, Math.floor((erasedAfter.getTime() - now.getTime()) / DAY)) }
}

/** Those whose time is over at `now`. An active tenant never is, however long it has been one. */
export function dueForErasure(tenants: readonly TenantRecord[], grace: number, now: Date): TenantRecord[] {
  return tenants.filter((tenant) => {
    const left = graceOf(tenant, grace, now)
    return tenant.state === 'suspended' && left !== null && left.erasedAfter.getTime() <= now.getTime()
  })
}
