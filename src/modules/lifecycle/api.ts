import type { TenantRecord } from '../tenancy/index.ts'
import type { Purge } from './erasure.ts'
import type { Imported } from './export/importTenant.ts'
import type { Erasure, Receipt } from './ledger.ts'
import type { ErasureRequest } from './request.ts'

/** What other modules get from lifecycle. What changes something needs a process that holds the migrator's password. */
export interface LifecycleApi {
  /** Reading works, writing does not; the time until erasure begins, unless it already runs. */
  suspend(slug: string): Promise<void>
  /** Ends a suspension and its time. */
  reactivate(slug: string): Promise<void>
  /** Names what else is erased with a tenant: what a module keeps outside its store, its files and Redis. */
  onPurge(name: string, purge: Purge): void
  /** Whose time is over at `now`. */
  due(now: Date): Promise<TenantRecord[]>
  /** Erases those whose time is over, and carries on what a crash interrupted. `only`: no other than this one. */
  sweep(now?: Date, only?: string): Promise<Receipt[]>
  /** Carries on what a crash interrupted. */
  resume(): Promise<string[]>
  /** Opens a case for a customer who wants everything erased at once; its month runs from now. */
  request(slug: string, channel: string): Promise<ErasureRequest>
  /** Notes how it was made sure that who asked may ask. */
  confirm(requestId: string, how: string): Promise<void>
  /** Ends a case without an erasure, such as when its sender may not ask. */
  answer(requestId: string, answer: string): Promise<void>
  requests(): Promise<ErasureRequest[]>
  /** Throws a Problem `erasure-unconfirmed` (409) before the sender is known. */
  eraseOnRequest(requestId: string): Promise<Receipt>
  /** The ledger, oldest first, canaries of probes included. */
  erasures(): Promise<Erasure[]>
  /** Throws a Problem `erasure-unknown` (404). */
  receipt(tenantId: string): Promise<Receipt>
  /**
   * Erases again whatever a restored backup brought back of tenants that were erased before: call it before anybody can
   * reach what was restored. Returns what was found, by tenant id.
   */
  replayLedger(): Promise<Map<string, string[]>>
  /** Brings an export into a tenant; safe to repeat. Throws Problems `export-invalid` (400) and `export-other-schema` (409). */
  importInto(slug: string, path: string): Promise<Imported>
}
