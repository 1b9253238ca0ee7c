import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'

/** The ones that every attacker tries first; a deployment adds a full list by its settings. */
const COMMON = new Set(
  `password password1 password12 password123 password1234 passw0rd 12345678 123456789 1234567890 0123456789
  12345678910 123456789012345 qwertyuiop qwerty123 qwerty12345 qwertzuiop 1qaz2wsx 1q2w3e4r 1q2w3e4r5t zaq12wsx iloveyou
  iloveyou1 sunshine princess football baseball superman trustno1 starwars whatever letmein123 welcome1 welcome123
  admin123 admin1234 administrator changeme changeme123 abcd1234 abc12345 a1b2c3d4 asdfghjkl asdf1234 11111111
  00000000 88888888 87654321 987654321 123123123 123456123 passwort passwort1 passwort123 hallo123 schatz123
  sommer2024 sommer2025 winter2024 winter2025 summer2024 summer2025 geheim123 correcthorsebatterystaple
  passwordpassword qwertyuiopasdfgh 123456789123456789`.split(/\s+/),
)

/**
 * Whether `password` is on the list of breached ones. `file`: lines `<SHA-1 in upper-case hex>:<count>` ordered by hash,
 * the form in which Have I Been Pwned publishes its list; searched on disk, so its size does not matter. The password
 * never leaves the machine.
 */
export async function isBreached(password: string, file: string | undefined): Promise<boolean> {
  if (COMMON.has(password.toLowerCase())) return true
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
