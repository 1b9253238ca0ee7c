import type { CanaryPair } from './canaries.ts'
import type { Erasing } from './erase.ts'
import type { NewTenant } from './provision.ts'
import type { IsolationModel, Tenant, TenantRecord, TenantState } from './tenant.ts'

/** Makes recognisable content in a canary tenant; idempotent. Returns the ids of what it made. */
export type CanarySeed = (tenant: Tenant, marker: string) => Promise<{ ids: string[] }>

/** What other modules get from tenancy. */
export interface TenancyApi {
  /** Tenants answer right under it unless they brought a host of their own. */
  baseDomain: string
  /** The tenant that answers at `host` (normalised, without port). Throws a Problem `tenant-not-found` (404). */
  resolve(host: string): Promise<Tenant>
  /** Throws a Problem `tenant-not-found` (404). */
  bySlug(slug: string): Promise<Tenant>
  /**
   * Makes a tenant and returns its id; only where the process holds the migrator's password. Throws Problems
   * `tenant-invalid` (400) and `tenant-exists` (409).
   */
  create(tenant: NewTenant): Promise<string>
  /**
   * Makes the database of a tenant anew, empty, where it is gone; resolves to whether it was. Throws a Problem
   * `tenant-not-found` (404).
   */
  remakeDatabase(slug: string): Promise<boolean>
  /** Makes tenant databases in advance until there are `count` that nobody uses yet. */
  keepSpares(count: number): Promise<void>
  /**
   * In force in the tenant's store when it resolves, everywhere else when word gets there, and within a second. Throws a
   * Problem `tenant-not-found` (404).
   */
  setState(slug: string, state: TenantState): Promise<void>
  /** The parts of erasing a tenant; only where the process holds the migrator's password. */
  erasing: Erasing
  /** Finishes what a crash in the middle of `setState` left; or tells the store of one tenant its state again. */
  settle(id?: string): Promise<void>
  /** All tenants, canaries included, by slug. */
  list(): Promise<readonly TenantRecord[]>
  canaries: {
    /** Names what a module puts into canary tenants, so that probes have something of every kind to look for. */
    register(module: string, seed: CanarySeed): void
    /** The canary pairs as they are, also when nothing can be written into them. */
    find(): Promise<CanaryPair[]>
    /** A new canary for one probe alone, which erases it afterwards. Its slug begins with `trial-`. */
    trial(model: IsolationModel): Promise<Tenant>
    /** Those that are there, and since when. */
    trials(): Promise<{ slug: string; startedAt: Date }[]>
    /** The canary pairs with everything in place that was registered. */
    open(): Promise<CanaryPair[]>
  }
  /** Qualified names of the tables that hold tenants' rows. */
  tables(): Promise<string[]>
}
