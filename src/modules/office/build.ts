import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  globSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { promisify } from 'node:util'

/** A file of the pages; its name holds a hash of its content. */
export interface Asset {
  type: string
  bytes: Buffer
  /** The same by Brotli (RFC 7932). */
  brotli: Buffer
}

/** The built pages. */
export interface Pages {
  /** The one HTML document, with the placeholders of `fillShell`. */
  shell: string
  /** By file name. */
  assets: ReadonlyMap<string, Asset>
}

const ROOT = join(import.meta.dirname, '../../..')
const CACHE = join(ROOT, 'node_modules/.cache/office')
const TYPES: Record<string, string> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}
/** Builds that nobody used for so long (ms), and what killed builds left, are removed by the next one. */
const KEEP_FOR = 86_400_000

/**
 * The pages of web/ as they are now: built once for each content, by a process of its own, and kept. Two builds at once
 * are safe, and one that is killed leaves nothing that looks finished.
 */
export async function buildPages(): Promise<Pages> {
  const folder = join(CACHE, contentHash())
  if (!existsSync(folder)) await build(folder)
  return readPages(folder)
}

/** Of everything that the result depends on. */
function contentHash(): string {
  const sources = globSync('web/**/*.{ts,tsx,css,html,svg}', { cwd: ROOT }).sort()
  const hash = createHash('sha256')
  for (const path of [...sources, 'package-lock.json'])
    hash
      .update(`${path}\n`)
      .update(readFileSync(join(ROOT, path)))
      .update('\n')
  return hash.digest('hex').slice(0, 32)
}

async function build(folder: string): Promise<void> {
  await mkdir(CACHE, { recursive: true })
  for (const name of readdirSync(CACHE)) {
    const age = Date.now() - (statSync(join(CACHE, name), { throwIfNoEntry: false })?.mtimeMs ?? 0)
    if (age > KEEP_FOR) rmSync(join(CACHE, name), { recursive: true, force: true })
  }
  const unfinished = mkdtempSync(join(CACHE, 'unfinished-'))
  const env = { ...process.env, NODE_ENV: 'production' }
  await promisify(execFile)(process.execPath, [join(ROOT, 'web/build.ts'), unfinished], { cwd: ROOT, env })
  try {
    renameSync(unfinished, folder)
  } catch (error) {
    // Another process was faster; its result is the same.
    rmSync(unfinished, { recursive: true, force: true })
    if (!existsSync(folder)) throw error
  }
}

function readPages(folder: string): Pages {
  const read = (name: string) => readFileSync(join(folder, 'assets', name))
  const names = readdirSync(join(folder, 'assets')).filter((name) => !name.endsWith('.br'))
  const assets = names.map((name): [string, Asset] => {
    const type = TYPES[extname(name)] ?? 'application/octet-stream'
    return [name, { type, bytes: read(name), brotli: read(`${name}.br`) }]
  })
  return { shell: readFileSync(join(folder, 'index.html'), 'utf8'), assets: new Map(assets) }
}
