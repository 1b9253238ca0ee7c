import { readFileSync } from 'node:fs'
import type { z } from 'zod'
import type { Contradiction, Module, SettingsTree } from './module.ts'
import { orderModules } from './module.ts'
import { defineProblem } from './problems.ts'

type AnyModule = Module<any, any, any>

/** A partial settings tree as written in a profile or a file: module name, then setting. */
export type SettingsLayer = Record<string, Record<string, unknown>>

const invalidSettings = defineProblem({
  code: 'settings-invalid',
  status: 500,
  title: 'The settings are not valid',
})
const contradictingSettings = defineProblem({
  code: 'settings-contradict',
  status: 500,
  title: 'Settings contradict each other',
})

/**
 * The one typed settings tree: each module's defaults, overridden by `profile`, then `file`, then the environment.
 *
 * Environment: `SURETY_TENANCY__MODELS='["rows"]'` sets `tenancy.models` (JSON, else text; names in snake case), and
 * `SURETY_X__Y_FILE=/run/secrets/y` takes the value from that file, so that a secret never stands in the environment.
 * Throws a Problem that lists every unknown module or setting, every invalid value and every contradiction, with paths.
 */
export function loadSettings(
  modules: readonly AnyModule[],
  layers: { profile?: SettingsLayer; file?: SettingsLayer; environment?: Record<string, string | undefined> },
): SettingsTree {
  const ordered = orderModules(modules)
  const environment = environmentLayer(ordered, layers.environment ?? {})
  const merged = merge([layers.profile ?? {}, layers.file ?? {}, environment])
  const unknown = Object.keys(merged).filter((name) => !ordered.some((module) => module.name === name))
  const issues = unknown.map(
    (name) => `${name}: no such module; known: ${ordered.map((m) => m.name).join(', ')}`,
  )
  const tree: SettingsTree = {}
  for (const module of ordered) {
    const parsed = module.settings.strict().safeParse(merged[module.name] ?? {})
    if (parsed.success) tree[module.name] = parsed.data as Record<string, unknown>
    else
      issues.push(
        ...parsed.error.issues.map(
          (issue: z.core.$ZodIssue) => `${[module.name, ...issue.path].join('.')}: ${issue.message}`,
        ),
      )
  }
  if (issues.length > 0) throw invalidSettings(issues.join('\n'), { extensions: { issues } })
  refuseContradictions(ordered, tree)
  return tree
}

function refuseContradictions(modules: readonly AnyModule[], tree: SettingsTree): void {
  const found: Contradiction[] = modules.flatMap(
    (module) => module.contradictions?.(tree[module.name], tree) ?? [],
  )
  if (found.length === 0) return
  const lines = found.map(({ settings, why }) => `${settings.join(' and ')}: ${why}`)
  throw contradictingSettings(lines.join('\n'), { extensions: { contradictions: found } })
}

function merge(layers: SettingsLayer[]): SettingsLayer {
  const merged: SettingsLayer = {}
  for (const layer of layers) {
    for (const [name, values] of Object.entries(layer)) merged[name] = { ...merged[name], ...values }
  }
  return merged
}

const ENVIRONMENT_NAME = /^SURETY_([A-Z0-9_]+?)__([A-Z0-9_]+?)(_FILE)?$/

function environmentLayer(
  modules: readonly AnyModule[],
  environment: Record<string, string | undefined>,
): SettingsLayer {
  const layer: SettingsLayer = {}
  for (const [name, text] of Object.entries(environment)) {
    const match = ENVIRONMENT_NAME.exec(name)
    if (!match || text === undefined) continue
    const module = modules.find((candidate) => snake(candidate.name) === match[1])
    const key =
      module && Object.keys(module.settings.shape).find((candidate) => snake(candidate) === match[2])
    if (!module || !key) throw invalidSettings(`${name}: no module has this setting.`)
    layer[module.name] = {
      ...layer[module.name],
      [key]: match[3] ? readSecretFile(name, text) : jsonOrText(text),
    }
  }
  return layer
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function readSecretFile(name: string, file: string): string {
  try {
    return readFileSync(file, 'utf8').trimEnd()
  } catch (cause) {
    throw invalidSettings(`${name} names ${file}, which cannot be read.`, { cause })
  }
}

const snake = (name: string): string =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll('-', '_')
    .toUpperCase()
