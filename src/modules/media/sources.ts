import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** JavaScript by the `file:` URL of the TypeScript that it was made from. */
export type Sources = Readonly<Record<string, string>>

/** Prints its arguments' content without types. What Node cannot strip is left to the worker, which says why. */
const STRIP = `
const { readFileSync } = require('node:fs')
const { stripTypeScriptTypes } = require('node:module')
const { pathToFileURL } = require('node:url')
const stripped = {}
for (const path of process.argv.slice(1))
  try { stripped[pathToFileURL(path).href] = stripTypeScriptTypes(readFileSync(path, 'utf8')) } catch {}
process.stdout.write(JSON.stringify(stripped))`

const MOST_BYTES = 16 * 1_048_576
const known = new Map<string, Promise<Sources>>()

/**
 * The TypeScript in `folder` as JavaScript. Node would strip the types again in each process, which takes longer than
 * everything else that a small worker does; here it happens once, in a process that sees nothing foreign.
 */
export function sourcesIn(folder: string): Promise<Sources> {
  const stripped = known.get(folder) ?? strip(folder)
  known.set(folder, stripped)
  stripped.catch(() => known.delete(folder))
  return stripped
}

async function strip(folder: string): Promise<Sources> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /(?<!\.d|\.test)\.[cm]?ts$/.test(name) && !name.includes('node_modules'))
    .map((name) => join(folder, name))
  if (files.length === 0) return {}
  const args = ['--disable-warning=ExperimentalWarning', '-e', STRIP, ...files]
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: {}, maxBuffer: MOST_BYTES })
  return JSON.parse(stdout)
}
