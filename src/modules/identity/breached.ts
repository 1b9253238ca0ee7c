import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { brotliDecompressSync } from 'node:zlib'

/** See scripts/common-passwords.ts: where they are from, and under which licence. */
const FILE = new URL('./common-passwords.br', import.meta.url)

/** What that list, which is in English for the most part, lacks; a deployment adds a full list by its settings. */
const MORE = `passwort passwort1 passwort123 qwertzuiop hallo123 schatz123 geheim123 administrator changeme123
  sommer2024 sommer2025 winter2024 winter2025 summer2024 summer2025 correcthorsebatterystaple`

let common: ReadonlySet<string> | undefined

/** The most used passwords of a length that somebody may choose, in lower case. */
export function commonPasswords(): ReadonlySet<string> {
  common ??= new Set([
    ...brotliDecompressSync(readFileSync(FILE)).toString().trimEnd().split('\n').slice(1),
    ...MORE.split(/\s+/),
  ])
  return common
}

/**
 * Whether `password` is among the most used ones, or on the list of breached ones. `file`: lines
 * `<SHA-1 in upper-case hex>:<count>` ordered by hash, the form in which Have I Been Pwned publishes its list; searched
 * on disk, so its size does not matter. The password never leaves the machine.
 */
export async function isBreached(password: string, file: string | undefined): Promise<boolean> {
  if (commonPasswords().has(password.normalize('NFKC').toLowerCase())) return true
  if (!file) return false
  const hash = createHash('sha1').update(password).digest('hex').toUpperCase()
  const handle = await open(file)
  try {
    return await search(handle, hash, (await handle.stat()).size)
  } finally {
    await handle.close()
  }
}

/** Binary search for the line that begins with `hash`. Invariant: when there is one, it begins in [low, high). */
async function search(handle: FileHandle, hash: string, size: number): Promise<boolean> {
  let low = 0
  let high = size
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const line = await lineAfter(handle, middle)
    if (line === undefined || line.text.slice(0, 40) > hash) {
      if (high === middle) return false
      high = middle
    } else if (line.text.slice(0, 40) === hash) return true
    else low = line.end
  }
  return false
}

/** The first whole line that begins at or after `position`. */
async function lineAfter(
  handle: FileHandle,
  position: number,
): Promise<{ text: string; end: number } | undefined> {
  const from = Math.max(0, position - 1)
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(256), 0, 256, from)
  const text = buffer.toString('latin1', 0, bytesRead)
  const begin = position === 0 ? 0 : text.indexOf('\n') + 1
  if (position > 0 && begin === 0) return undefined
  const rest = text.slice(begin)
  if (!rest) return undefined
  const length = rest.indexOf('\n')
  const line = length < 0 ? rest : rest.slice(0, length)
  return { text: line, end: from + begin + line.length + 1 }
}
