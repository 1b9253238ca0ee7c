import type { Stores } from '../../data/index.ts'
import type { TenancyApi } from '../tenancy/index.ts'
import type { DataKeys } from './dataKeys.ts'
import type { MasterKey, MasterKeys } from './masterKeys.ts'
import { type Resealed, resealStore } from './reseal.ts'
import { countSealed, type SealedCount, storesOf } from './sealedColumns.ts'
import type { Sealing } from './vault.ts'

/** How far `rewrap` is. */
export type Progress =
  | { step: 'data keys'; done: number; total: number }
  | ({ step: 'secrets'; store: number; stores: number } & Resealed)

/** What an operator sees of the keys. */
export interface KeyStatus {
  masterKeys: MasterKey[]
  /** Over all tenant stores. */
  sealed: SealedCount[]
}

/** What an operator does with the keys. Only where the process holds the migrator's password, except `rotate`. */
export interface KeyOperations {
  /** Makes the next master key the current one; everything sealed from now on is under its version. */
  rotate(): Promise<number>
  /**
   * Brings everything to the current version: wraps all data keys by the current master key and seals all secrets anew.
   * Killed at any point, a second run carries on. Older data keys are kept, so that backups can still be read; older
   * master keys are needed no more.
   */
  rewrap(onProgress: (progress: Progress) => void): Promise<void>
  status(): Promise<KeyStatus>
}

/** What a vault is made of. */
export interface VaultParts {
  master: MasterKeys
  keys: DataKeys
  sealing: Sealing
  /** Whether new texts carry a key commitment. */
  commitment: boolean
}

export function openOperations(
  { master, keys, sealing, commitment }: VaultParts,
  { stores, tenancy }: { stores: Stores; tenancy: TenancyApi },
): KeyOperations {
  return {
    async rotate() {
      const version = await master.rotate()
      keys.forget()
      return version
    },
    async rewrap(onProgress) {
      const version = await master.settled()
      keys.forget()
      await master.rewrap((done, total) => onProgress({ step: 'data keys', done, total }))
      const form = `^v${version}:[A-Za-z0-9_-]{${commitment ? 32 : 16}}:`
      const all = storesOf(await tenancy.list())
      for (const [store, one] of all.entries())
        await resealStore(stores.asMigrator, sealing, one, form, (progress) =>
          onProgress({ step: 'secrets', store: store + 1, stores: all.length, ...progress }),
        )
    },
    async status() {
      const sums = new Map<string, SealedCount>()
      for (const store of storesOf(await tenancy.list())) {
        for (const { field, version, count } of await countSealed(stores.asMigrator, store)) {
          const sum = sums.get(`${field} ${version}`)?.count ?? 0
          sums.set(`${field} ${version}`, { field, version, count: sum + count })
        }
      }
      return { masterKeys: await master.list(), sealed: [...sums.values()] }
    },
  }
}
