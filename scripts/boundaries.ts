import { posix } from 'node:path'
import { type Import, readImports, type SourceFile } from './imports.ts'

/** What each layer may import of ours, besides itself. Outside this list: `test`, `bench` and `scripts`, which may all. */
const MAY_IMPORT = {
  kernel: [],
  data: ['kernel'],
  proof: ['data', 'kernel'],
  modules: ['proof', 'data', 'kernel'],
  http: ['modules', 'proof', 'data', 'kernel'],
  cli: ['face', 'profiles', 'http', 'modules', 'proof', 'data', 'kernel'],
  face: ['http', 'modules', 'proof', 'data', 'kernel'],
  profiles: ['face', 'kernel'],
  examples: ['face'],
  web: ['proof', 'kernel'],
} as const satisfies Record<string, readonly string[]>

type Layer = keyof typeof MAY_IMPORT

/** Packages that only some layers may import: whoever holds `pg` could reach data past the tenant's context. */
const RESERVED_PACKAGES: Record<string, readonly Layer[]> = { pg: ['data'] }

interface Edge {
  from: string
  to: string
  at: string
  import: Import
}

/**
 * Every import that leaves the one direction `cli, http → modules → proof, data → kernel`, as a sentence with its place.
 * A module reaches another through its index.ts alone, and only when its own index.ts names it in `needs`; the graph of
 * modules has no circle. Test files are free.
 */
export function findViolations(files: readonly SourceFile[]): string[] {
  const checked = files.filter(({ path }) => !path.endsWith('.test.ts'))
  const edges = checked.flatMap((file) =>
    readImports(file).imports.map((one) => ({
      from: file.path,
      to: resolve(file.path, one.specifier),
      at: `${file.path}:${one.line}`,
      import: one,
    })),
  )
  const needs = moduleNeeds(checked)
  return [...edges.flatMap((edge) => violation(edge, needs)), ...circles(edges)]
}

function violation(edge: Edge, needs: Map<string, Set<string>>): string[] {
  const { from, to, at } = edge
  const layer = layerOf(from)
  if (from.startsWith('src/') && !layer)
    return [`${at}: ${from} is in no layer; known: ${Object.keys(MAY_IMPORT).join(', ')}`]
  if (!layer) return []
  const allowed = RESERVED_PACKAGES[to]
  if (allowed && !allowed.includes(layer))
    return [`${at}: only ${allowed.join(', ')} may import the package ${to}`]
  const target = layerOf(to)
  if (!isOurs(to)) return []
  if (layer === 'modules' && target === 'modules') return betweenModules(edge, needs)
  if (layer === 'examples' && topFolders(from) === topFolders(to)) return []
  if (target === layer && layer !== 'examples') return []
  if (!target || !(MAY_IMPORT[layer] as readonly string[]).includes(target)) {
    const may = MAY_IMPORT[layer].join(', ') || 'nothing else of ours'
    return [`${at}: imports ${to}; ${layer} may import ${may}`]
  }
  if (layer === 'web' && !edge.import.typeOnly)
    return [`${at}: imports ${to}; web may import only types from src`]
  if (target === 'modules' && layer === 'http' && !isIndex(to))
    return [`${at}: imports ${to}; a module is its index.ts`]
  return []
}

function betweenModules({ from, to, at }: Edge, needs: Map<string, Set<string>>): string[] {
  const own = moduleOf(from)
  const other = moduleOf(to)
  if (own === other) return []
  if (!isIndex(to))
    return [`${at}: imports ${to}; another module is reached through src/modules/${other}/index.ts`]
  // The index itself must import what it then names.
  if (needs.get(own)?.has(other)) return []
  return [`${at}: imports the module ${other}, which src/modules/${own}/index.ts does not name in needs`]
}

/** Module name to the names of the modules in its `needs`. */
function moduleNeeds(files: readonly SourceFile[]): Map<string, Set<string>> {
  const needs = new Map<string, Set<string>>()
  for (const file of files.filter(({ path }) => isIndex(path))) {
    const { imports, needs: names } = readImports(file)
    const needed = imports.filter((one) => one.names.some((name) => names.includes(name)))
    needs.set(moduleOf(file.path), new Set(needed.map((one) => moduleOf(resolve(file.path, one.specifier)))))
  }
  return needs
}

function circles(edges: readonly Edge[]): string[] {
  const graph = new Map<string, Set<string>>()
  for (const { from, to } of edges) {
    if (layerOf(from) !== 'modules' || layerOf(to) !== 'modules' || moduleOf(from) === moduleOf(to)) continue
    graph.set(moduleOf(from), (graph.get(moduleOf(from)) ?? new Set()).add(moduleOf(to)))
  }
  const found: string[] = []
  const done = new Set<string>()
  const visit = (name: string, path: readonly string[]): void => {
    if (path.includes(name)) {
      found.push(`Circle of modules: ${[...path.slice(path.indexOf(name)), name].join(' → ')}`)
      return
    }
    if (done.has(name)) return
    for (const next of graph.get(name) ?? []) visit(next, [...path, name])
    done.add(name)
  }
  for (const name of graph.keys()) visit(name, [])
  return found
}

/** A path relative to the root, or the package's name. */
function resolve(from: string, specifier: string): string {
  if (specifier.startsWith('.')) return posix.normalize(posix.join(posix.dirname(from), specifier))
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

const LAYER_FOLDERS: readonly [RegExp, Layer?][] = [
  [/^src\/index\.ts$/, 'face'],
  [/^src\/(kernel|data|proof|modules|http|cli)\//],
  [/^(profiles|examples|web)\//],
]

function layerOf(path: string): Layer | undefined {
  for (const [pattern, name] of LAYER_FOLDERS) {
    const match = pattern.exec(path)
    if (match) return name ?? (match[1] as Layer)
  }
  return undefined
}

const isOurs = (path: string): boolean =>
  /^(\.\.\/|(src|profiles|examples|web|test|bench|scripts)\/)/.test(path)
const isIndex = (path: string): boolean => /^src\/modules\/[^/]+\/index\.ts$/.test(path)
const moduleOf = (path: string): string => path.split('/')[2] ?? ''
const topFolders = (path: string): string => path.split('/').slice(0, 2).join('/')
