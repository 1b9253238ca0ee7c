import type { Actor } from '../../data/actor.ts'
import type { Filestore } from '../../data/filestore.ts'
import type { Statement } from '../../data/statement.ts'
import type { TransactionWork } from '../../data/tenantStore.ts'

/** How a tenant's data is kept apart: a database and role of its own, or rows under row-level security in a pool. */
export type IsolationModel = 'database' | 'rows'

/** `suspended` reads but cannot write. */
export type TenantState = 'active' | 'suspended'

/** One line of the tenant registry. */
export interface TenantRecord {
  id: string
  /** Lower-case DNS label; also the name of the database and of the file folder. */
  slug: string
  /** Display name. */
  name: string
  model: IsolationModel
  state: TenantState
  /** Since when it is suspended; null while it is active. */
  suspendedAt: Date | null
  /** Full host names, lower-case ASCII, without port. */
  hosts: readonly string[]
  /** Exists so that probes can attack something real. Hidden from every list a customer sees. */
  canary: boolean
  createdAt: Date
}

/** The only way to a tenant's data. */
export interface Tenant extends TenantRecord {
  /** Runs one prepared statement in this tenant's context: one round trip, one implicit transaction. */
  query<Values, Result>(statement: Statement<Values, Result>, values: Values): Promise<Result>
  /**
   * Runs `work` in one transaction in this tenant's context: k queries take k+1 round trips. Commits when `work`
   * resolves, rolls back when it throws. `run` runs declared statements, which is faster than building queries on `db`.
   */
  transaction<Result>(work: TransactionWork<Result>): Promise<Result>
  /** The same tenant, with what is done told as done by `actor` in its audit trail. */
  as(actor: Actor): Tenant
  /** This tenant's own folder. A suspended tenant's can be read only (Problem `tenant-read-only`, 423). */
  files: Filestore
  cache: {
    /** The Redis key of `name` in this tenant's own key space. */
    key(name: string): string
  }
}
