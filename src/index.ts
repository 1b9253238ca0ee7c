/** The public face: what a builder may import. */
export { type Sealed, secret } from './data/secretColumn.ts'
export { statement, type TenantDatabase } from './data/statement.ts'
export { tenantTable } from './data/tenantTable.ts'
export { type Clock, shiftedClock, systemClock } from './kernel/clock.ts'
export type { GivesCommands, ModuleCommand } from './kernel/commands.ts'
export { duration, formatDuration, type Language } from './kernel/duration.ts'
export { isId, newId } from './kernel/ids.ts'
export { preferredLanguage } from './kernel/language.ts'
export { defineModule } from './kernel/module.ts'
export { defineProblem, Problem } from './kernel/problems.ts'
export type { GivesRoutes, RouteGroup } from './kernel/routes.ts'
export { type Span, type SpanStart, traced } from './kernel/trace.ts'
export { type Act, type AuditApi, audit, recordIn } from './modules/audit/index.ts'
export { type JobsApi, jobs, type RunningJob } from './modules/jobs/index.ts'
export { type LifecycleApi, lifecycle } from './modules/lifecycle/index.ts'
export { type Given, type MediaApi, media } from './modules/media/index.ts'
export { type PushApi, push } from './modules/push/index.ts'
export { type CanaryPair, markerOf, type Tenant, tenancy } from './modules/tenancy/index.ts'
export { type VaultApi, vault } from './modules/vault/index.ts'
export { type Measure, measure } from './proof/measure.ts'

import type { Module } from './kernel/module.ts'
import type { Tenant } from './modules/tenancy/index.ts'

type AnyModule = Module<any, any, any>

/** What `surety up --app <file>` boots beside the platform: the file's default export. */
export interface App {
  modules: readonly AnyModule[]
  /** Tenants to try it with, made at the start when they are missing. */
  demo?: {
    tenants: readonly { slug: string; name: string; model: Tenant['model'] }[]
    /** Fills one of them; repeated at every start, so it changes nothing that is there. */
    seed(tenant: Tenant): Promise<void>
  }
}
