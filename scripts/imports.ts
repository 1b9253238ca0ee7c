import { parseSync } from 'oxc-parser'

/** A source file of the repository; `path` is relative to the root, with forward slashes. */
export interface SourceFile {
  path: string
  text: string
}

/** One import or re-export of a file. */
export interface Import {
  /** As written: `../data/pool.ts` or `pg`. */
  specifier: string
  line: number
  /** Only types, so nothing of it runs. */
  typeOnly: boolean
  /** Local names that are bound, without those of re-exports. */
  names: string[]
}

/** What a file imports, and the names in its `needs: { … }`, in source order. */
export interface FileImports {
  imports: Import[]
  needs: string[]
}

// Also `import('./x.ts').Type`, which the parser does not count as an import.
const DYNAMIC = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g

/** Parses one file. Throws when it does not parse. */
export function readImports(file: SourceFile): FileImports {
  const { module, program, errors } = parseSync(file.path, file.text)
  if (errors[0]) throw new Error(`${file.path}: ${errors[0].message}`)
  const lineAt = (offset: number): number => file.text.slice(0, offset).split('\n').length
  const imports: Import[] = module.staticImports.map((one) => ({
    specifier: one.moduleRequest.value,
    line: lineAt(one.start),
    typeOnly: one.entries.length > 0 && one.entries.every((entry) => entry.isType),
    names: one.entries.map((entry) => entry.localName.value),
  }))
  for (const { entries, start } of module.staticExports) {
    const specifier = entries[0]?.moduleRequest?.value
    const typeOnly = entries.every((entry) => entry.isType)
    if (specifier) imports.push({ specifier, line: lineAt(start), typeOnly, names: [] })
  }
  for (const match of file.text.matchAll(DYNAMIC)) {
    imports.push({ specifier: match[1] as string, line: lineAt(match.index), typeOnly: false, names: [] })
  }
  return { imports, needs: namesInNeeds(program) }
}

interface Node {
  type?: string
  [key: string]: unknown
}

function namesInNeeds(node: unknown): string[] {
  if (Array.isArray(node)) return node.flatMap(namesInNeeds)
  if (node === null || typeof node !== 'object') return []
  const { type, key, value } = node as { type?: string; key?: Node; value?: Node }
  if (type === 'Property' && key?.name === 'needs' && value?.type === 'ObjectExpression') {
    return (value.properties as { value?: Node }[]).flatMap((property) =>
      property.value?.type === 'Identifier' ? [String(property.value.name)] : [],
    )
  }
  return Object.values(node).flatMap(namesInNeeds)
}
