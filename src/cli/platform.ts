import { execFileSync } from 'node:child_process'
import { type Stores, stores } from '../data/index.ts'
import { systemClock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import { type Gives, type Module, type SettingsTree, type Started, startModules } from '../kernel/module.ts'
import type { GivesRoutes, RouteGroup } from '../kernel/routes.ts'
import { loadSettings } from '../kernel/settings.ts'
import { cache } from '../modules/cache/index.ts'
import { database } from '../modules/database/index.ts'
import { type TenancyApi, tenancy } from '../modules/tenancy/index.ts'
import { trust } from '../modules/trust/index.ts'
import type { ProofApi } from '../proof/api.ts'
import { proof } from '../proof/index.ts'
import type { GivesMeasures } from '../proof/measure.ts'
import type { Environment } from './environment.ts'

/** The capabilities that every deployment has. */
export const platformModules: readonly Module<any, any, any>[] = [
  stores,
  proof,
  tenancy,
  database,
  cache,
  trust,
]

/** A running platform, before anything answers HTTP. */
export interface Platform {
  settings: SettingsTree
  tenancy: TenancyApi
  proof: ProofApi
  stores: Stores
  routes: readonly RouteGroup[]
  stop(): Promise<void>
}

/** Loads settings (profile < file < environment), starts all modules and brings their measures and routes together. */
export async function startPlatform(options: { log: Log; environment: Environment }): Promise<Platform> {
  const settings = loadSettings(platformModules, { environment: options.environment })
  const context = { settings, clock: systemClock, log: options.log, build: buildId() }
  const { started, stop } = await startModules(platformModules, context)
  const gives = started.map((module: Started) => module.gives as Gives & GivesMeasures & GivesRoutes)
  const api = (name: string) => started.find((module) => module.name === name)?.gives.api
  const running = {
    tenancy: api('tenancy') as TenancyApi,
    proof: api('proof') as ProofApi,
    stores: api('stores') as Stores,
  }
  running.proof.register(gives.flatMap(({ measures }) => measures ?? []))
  return { ...running, settings, routes: gives.flatMap(({ routes }) => routes ?? []), stop }
}

/** The commit that runs, or `unversioned` outside a checkout. */
function buildId(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short=12', 'HEAD'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  } catch {
    return 'unversioned'
  }
}
