import { and, asc, eq, gt, inArray, sql } from 'drizzle-orm'
import type { Clock } from '../../kernel/clock.ts'
import type { Tenant } from '../tenancy/index.ts'
import type { VaultApi } from '../vault/index.ts'
import { device, type Service } from './tables.ts'

/** A registered device, its token in clear: for sending and nothing else. */
export interface Device {
  id: string
  service: Service
  token: string
}

/** Devices read at once. */
const PAGE = 200

/** The devices of tenants' people, their tokens sealed. */
export interface Devices {
  /** Registers a device, or gives it a new token. `id` is the app's own. */
  keep(tenant: Tenant, given: Device): Promise<void>
  remove(tenant: Tenant, id: string): Promise<void>
  /** Removes a device that its service no longer knows, unless it registered again meanwhile. */
  forget(tenant: Tenant, gone: { id: string; since: Date }): Promise<void>
  /** All devices, or those of `ids`, page by page. */
  pages(tenant: Tenant, ids: readonly string[] | null): AsyncIterable<(Device & { registeredAt: Date })[]>
}

export function openDevices(vault: VaultApi, clock: Clock): Devices {
  return {
    async keep(tenant, given) {
      const row = await vault.seal(tenant, device, { ...given, registeredAt: clock.now() })
      await tenant.transaction((db) =>
        db
          .insert(device)
          .values(row)
          .onConflictDoUpdate({ target: [device.tenantId, device.id], set: row }),
      )
    },
    async remove(tenant, id) {
      await tenant.transaction((db) => db.delete(device).where(eq(device.id, id)))
    },
    async forget(tenant, { id, since }) {
      const old = sql`${device.registeredAt} <= ${since.toISOString()}`
      await tenant.transaction((db) => db.delete(device).where(and(eq(device.id, id), old)))
    },
    async *pages(tenant, ids) {
      for (let after = '00000000-0000-0000-0000-000000000000'; after !== ''; ) {
        const among = ids ? inArray(device.id, [...ids]) : undefined
        const rows = await tenant.transaction((db) =>
          db
            .select()
            .from(device)
            .where(and(gt(device.id, after), among))
            .orderBy(asc(device.id))
            .limit(PAGE),
        )
        if (rows.length > 0) yield Promise.all(rows.map((row) => vault.open(tenant, device, row)))
        after = rows.length === PAGE ? (rows.at(-1)?.id ?? '') : ''
      }
    },
  }
}
