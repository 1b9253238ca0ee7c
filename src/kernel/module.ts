import type { z } from 'zod'
import type { Clock } from './clock.ts'
import type { Log } from './log.ts'
import { defineProblem } from './problems.ts'

/** How another process of this deployment is started: `node ...args <command>` with these environment variables. */
export interface Program {
  args: readonly string[]
  env: Readonly<Record<string, string | undefined>>
  /** The folder of the release that runs: a checkout, or one of several beside each other. */
  release: string
}

/** What a module is handed when it starts. */
export interface ModuleContext<Settings> {
  settings: Settings
  clock: Clock
  log: Log
  /** Identifies the running code; part of every piece of evidence. */
  build: string
  program: Program
  /** Where the SQL of tenant stores is, of all modules that run, in the order in which it is applied. */
  tenantMigrations: readonly { module: string; directory: URL }[]
}

/** What every started module gives at least. Upper layers add `measures`, `routes`, `commands` (see their contracts). */
export interface Gives {
  /** What other modules get when they name this one in `needs`. */
  api: unknown
  /** Ends what `start` began. Called once, in reverse order of starting. */
  stop?(): Promise<void>
}

/** Two settings that cannot both hold. */
export interface Contradiction {
  /** Full paths, such as `tenancy.models`. */
  settings: string[]
  /** Why they exclude each other, and what to change. */
  why: string
}

type AnyModule = Module<any, any, any>

/** The API that a module definition gives once started. */
export type ApiOf<M> = M extends Module<any, any, infer G> ? G['api'] : never

/** One capability: a plain object. See design: what it needs is passed in, what it gives is typed. */
export interface Module<
  Schema extends z.ZodObject = z.ZodObject,
  Needs extends Record<string, AnyModule> = Record<string, AnyModule>,
  G extends Gives = Gives,
> {
  /** Also the name of its settings sub-tree. */
  name: string
  needs: Needs
  settings: Schema
  /** SQL directories, applied in order of `needs`: `control` and `keys` once, `tenant` in every tenant store. */
  migrations?: { control?: URL; keys?: URL; tenant?: URL }
  /** Looks at the whole settings tree; every contradiction found refuses the start. */
  contradictions?(settings: z.output<Schema>, all: SettingsTree): Contradiction[]
  start(context: ModuleContext<z.output<Schema>>, needs: { [K in keyof Needs]: ApiOf<Needs[K]> }): Promise<G>
}

/** Parsed settings of all modules, by module name. */
export type SettingsTree = Record<string, Record<string, unknown>>

/** Declares a module; only gives types. */
export function defineModule<
  Schema extends z.ZodObject,
  Needs extends Record<string, AnyModule>,
  G extends Gives,
>(definition: Module<Schema, Needs, G>): Module<Schema, Needs, G> {
  return definition
}

const moduleGraph = defineProblem({
  code: 'module-graph',
  status: 500,
  title: 'The modules do not fit together',
})

/** The settings of all modules, and what each is handed beside its own. */
type StartContext = Omit<ModuleContext<SettingsTree>, 'tenantMigrations'>

/** A started module. */
export interface Started<G extends Gives = Gives> {
  name: string
  gives: G
}

/**
 * `modules` and all they need, each once, dependencies first. Throws a Problem when two modules share a name or the
 * needs form a circle.
 */
export function orderModules<M extends AnyModule>(modules: readonly M[]): M[] {
  const ordered: M[] = []
  const byName = new Map<string, M>()
  const visit = (module: M, path: string[]): void => {
    if (path.includes(module.name)) throw moduleGraph(`Circle: ${[...path, module.name].join(' -> ')}.`)
    const known = byName.get(module.name)
    if (known && known !== module) throw moduleGraph(`Two modules are named "${module.name}".`)
    if (known) return
    for (const need of Object.values(module.needs)) visit(need as M, [...path, module.name])
    byName.set(module.name, module)
    ordered.push(module)
  }
  for (const module of modules) visit(module, [])
  return ordered
}

/**
 * Starts `modules` (dependencies first). When one fails, those already started are stopped again before the error is
 * thrown on. `stop()` ends them in reverse order and throws the first error after all were asked.
 */
export async function startModules(
  modules: readonly AnyModule[],
  context: StartContext,
): Promise<{ started: Started[]; stop(): Promise<void> }> {
  const started: Started[] = []
  const ordered = orderModules(modules)
  const tenantMigrations = ordered.flatMap(({ name, migrations }) =>
    migrations?.tenant ? [{ module: name, directory: migrations.tenant }] : [],
  )
  try {
    for (const module of ordered)
      started.push(await startOne(module, started, { ...context, tenantMigrations }))
  } catch (error) {
    await stopAll(started).catch((stopError: unknown) =>
      context.log.error({ err: stopError }, 'stop after failed start'),
    )
    throw error
  }
  return { started, stop: () => stopAll(started) }
}

async function startOne(
  module: AnyModule,
  started: readonly Started[],
  context: ModuleContext<SettingsTree>,
): Promise<Started> {
  const apiOf = (need: AnyModule) => started.find((other) => other.name === need.name)?.gives.api
  const needs = Object.fromEntries(
    Object.entries(module.needs).map(([key, need]) => [key, apiOf(need as AnyModule)]),
  )
  const gives = await module.start(
    {
      settings: context.settings[module.name] ?? {},
      clock: context.clock,
      log: context.log.child({ module: module.name }),
      build: context.build,
      program: context.program,
      tenantMigrations: context.tenantMigrations,
    },
    needs,
  )
  return { name: module.name, gives }
}

async function stopAll(started: Started[]): Promise<void> {
  let firstError: unknown
  for (const module of started.splice(0).reverse()) {
    await module.gives.stop?.().catch((error: unknown) => {
      firstError ??= error
    })
  }
  if (firstError !== undefined) throw firstError
}
