import { existsSync, realpathSync } from 'node:fs'
import { join, relative, resolve, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Profile, profiles } from '../../profiles/index.ts'
import { type Stores, stores } from '../data/index.ts'
import type { App } from '../index.ts'
import { buildOf } from '../kernel/build.ts'
import { systemClock } from '../kernel/clock.ts'
import type { GivesCommands, ModuleCommand } from '../kernel/commands.ts'
import type { Log } from '../kernel/log.ts'
import {
  type ApiOf,
  type Gives,
  type Module,
  type SettingsTree,
  type Started,
  startModules,
} from '../kernel/module.ts'
import { defineProblem } from '../kernel/problems.ts'
import type { GivesRoutes, RouteGroup } from '../kernel/routes.ts'
import { loadSettings, type SettingsLayer } from '../kernel/settings.ts'
import { api } from '../modules/api/index.ts'
import { audit } from '../modules/audit/index.ts'
import { backup } from '../modules/backup/index.ts'
import { billing } from '../modules/billing/index.ts'
import { browser } from '../modules/browser/index.ts'
import { cache } from '../modules/cache/index.ts'
import { database } from '../modules/database/index.ts'
import { type EdgeApi, edge } from '../modules/edge/index.ts'
import { egress } from '../modules/egress/index.ts'
import { identity } from '../modules/identity/index.ts'
import { jobs } from '../modules/jobs/index.ts'
import { lifecycle } from '../modules/lifecycle/index.ts'
import { limits } from '../modules/limits/index.ts'
import { mail } from '../modules/mail/index.ts'
import { media } from '../modules/media/index.ts'
import { office } from '../modules/office/index.ts'
import { push } from '../modules/push/index.ts'
import { layoutOf, release } from '../modules/release/index.ts'
import { runtime } from '../modules/runtime/index.ts'
import { secrets } from '../modules/secrets/index.ts'
import { signing } from '../modules/signing/index.ts'
import { telemetry } from '../modules/telemetry/index.ts'
import { type TenancyApi, tenancy } from '../modules/tenancy/index.ts'
import { trust } from '../modules/trust/index.ts'
import { vault } from '../modules/vault/index.ts'
import type { ProofApi } from '../proof/api.ts'
import { proof } from '../proof/index.ts'
import type { GivesMeasures } from '../proof/measure.ts'
import { type Environment, runningEnvironment, withConventionalNames } from './environment.ts'

const noProfile = defineProblem({ code: 'profile-unknown', status: 404, title: 'No such profile' })
const noApp = defineProblem({ code: 'app-invalid', status: 500, title: 'The app cannot be loaded' })

/** The capabilities that every deployment has. */
export const platformModules: readonly Module<any, any, any>[] = [
  stores,
  proof,
  edge,
  tenancy,
  vault,
  limits,
  database,
  cache,
  mail,
  egress,
  identity,
  telemetry,
  secrets,
  jobs,
  audit,
  push,
  signing,
  lifecycle,
  browser,
  media,
  office,
  runtime,
  release,
  billing,
  api,
  backup,
  trust,
]

/** Names the file of the builder's app. */
const APP = 'SURETY_APP'

/** An app that lies in a release is part of it: a path into one beside `release` means the same file of this one. */
function inRelease(file: string, release: string): string {
  const layout = layoutOf(release)
  const real = existsSync(file) ? realpathSync(file) : file
  if (!layout || !real.startsWith(layout.releases + sep)) return file
  const [, ...rest] = relative(layout.releases, real).split(sep)
  return join(release, ...rest)
}

/** The folder of the release that this process was started from. */
export const releaseOf = ({ SURETY_RELEASE: folder }: Environment): string =>
  folder ?? join(import.meta.dirname, '../..')

/** The program of a release. */
export const mainOf = (release: string): string => join(release, 'src/cli/main.ts')

/** The builder's app that the environment names; without one, the platform alone. */
export async function loadApp(environment: Environment): Promise<App> {
  const named = environment[APP]
  if (!named) return { modules: [] }
  const file = inRelease(resolve(named), releaseOf(environment))
  const { default: app } = await import(pathToFileURL(file).href)
  if (!Array.isArray(app?.modules)) throw noApp(`${file} has no default export with \`modules\`.`)
  return app
}

/** The settings of the profile that the environment names. */
export function profileLayer(environment: Environment): SettingsLayer {
  const name = environment.SURETY_PROFILE
  if (!name) return {}
  const { settings } = findProfile(name)
  return { ...settings, proof: { ...settings.proof, profile: name } }
}

/** Throws a Problem that lists the names there are. */
export function findProfile(name: string): Profile {
  const found = profiles.find((profile) => profile.name === name)
  if (!found)
    throw noProfile(
      `There is no profile "${name}"; there are ${profiles.map((profile) => profile.name).join(', ')}.`,
    )
  return found
}

/** The platform's own modules and the app's. */
export const modulesOf = (app: App): readonly Module<any, any, any>[] => [...platformModules, ...app.modules]

/** A running platform, before anything answers HTTP. */
export interface Platform {
  settings: SettingsTree
  tenancy: TenancyApi
  proof: ProofApi
  stores: Stores
  edge: EdgeApi
  build: string
  /** Milliseconds that a process may take to end. */
  shutdownTimeout: number
  routes: readonly RouteGroup[]
  guards: readonly RouteGroup[]
  commands: readonly ModuleCommand[]
  app: App
  /** What a running module gives to others. */
  api<M extends Module<any, any, any>>(module: M): ApiOf<M>
  stop(): Promise<void>
}

/** Loads settings (profile < file < environment), starts all modules and brings their measures and routes together. */
export async function startPlatform(options: { log: Log; environment: Environment }): Promise<Platform> {
  const environment = withConventionalNames(options.environment)
  const app = await loadApp(environment)
  const modules = modulesOf(app)
  const settings = loadSettings(modules, { environment, profile: profileLayer(environment) })
  const folder = releaseOf(environment)
  const program = { args: [mainOf(folder)], env: environment, release: folder }
  const context = { settings, clock: systemClock, log: options.log, build: buildOf(folder), program }
  const { started, stop } = await startModules(modules, context)
  const gives = started.map(
    (module: Started) => module.gives as Gives & GivesMeasures & GivesRoutes & GivesCommands,
  )
  const apiOf = <M extends Module<any, any, any>>({ name }: M) =>
    started.find((module) => module.name === name)?.gives.api as ApiOf<M>
  const running = {
    tenancy: apiOf(tenancy),
    proof: apiOf(proof),
    stores: apiOf(stores),
    edge: apiOf(edge),
    api: apiOf,
  }
  running.proof.register(gives.flatMap(({ measures }) => measures ?? []))
  return {
    ...running,
    settings,
    build: context.build,
    shutdownTimeout: apiOf(runtime).shutdownTimeout,
    routes: gives.flatMap(({ routes }) => routes ?? []),
    guards: gives.flatMap(({ guards }) => guards ?? []),
    commands: gives.flatMap(({ commands }) => commands ?? []),
    app,
    stop,
  }
}

/** The settings of the platform that runs here, or ran before it was lost; starts nothing. */
export async function settingsHere(): Promise<SettingsTree> {
  const environment = withConventionalNames(runningEnvironment())
  const modules = modulesOf(await loadApp(environment))
  return loadSettings(modules, { environment, profile: profileLayer(environment) })
}
