/** What stands instead of something that a log must not hold. */
const REDACTED = '[redacted]'

/** Names whose values are secrets, whatever they are: compared without case, dots, hyphens and underscores. */
const SECRET_NAME =
  /(?:password|passwd|passphrase|pwd|secrets?|tokens?|jwt|authori[sz]ation|cookies?|apikey|privatekey|credentials?|databaseurl|redisurl|dsn|otp|recoverycodes?|remoteaddress)$|^(?:smtp|db|database|redis|user)?pass$|^ip$/
const MAIL_NAME = /e?mail(?:address)?$/

/** Gives somebody a name that does not tell who. */
export type Pseudonym = (text: string) => string

type NameKind = 'secret' | 'mail' | 'plain'
const kinds = new Map<string, NameKind>()

function kindOf(name: string): NameKind {
  const known = kinds.get(name)
  if (known) return known
  const plain = name.toLowerCase().replace(/[^a-z0-9]/g, '')
  const kind = SECRET_NAME.test(plain) ? 'secret' : MAIL_NAME.test(plain) ? 'mail' : 'plain'
  // Names come from code; where they come from data, they shall not fill the memory.
  if (kinds.size < 5_000) kinds.set(name, kind)
  return kind
}

/** Deeper, or more of it, than anybody reads: cycles end here too. */
const DEEPEST = 12
const MOST = 2_000

/**
 * `value` as it may be logged, at any depth: what has the name of a secret is gone, errors are told with their causes.
 * Gives `value` itself when nothing had to change.
 */
export function cleanse<T extends object>(value: T, pseudonym: Pseudonym): T {
  return cleanseObject(value, 0, { left: MOST, pseudonym }) as T
}

interface Walk {
  left: number
  pseudonym: Pseudonym
}

function cleanseValue(value: unknown, depth: number, walk: Walk): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (depth > DEEPEST || --walk.left < 0) return '[more]'
  if (value instanceof Error) return cleanseObject(told(value), depth, walk)
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`
  if (Array.isArray(value)) return cleanseArray(value, depth, walk)
  const { toJSON } = value as { toJSON?: unknown }
  if (typeof toJSON !== 'function') return cleanseObject(value, depth, walk)
  return cleanseValue(toJSON.call(value), depth + 1, walk)
}

function cleanseArray(list: readonly unknown[], depth: number, walk: Walk): unknown[] {
  return list.map((item) => cleanseValue(item, depth + 1, walk))
}

function cleanseObject(object: object, depth: number, walk: Walk): object {
  let changed: Record<string, unknown> | undefined
  for (const name of Object.keys(object)) {
    const before = (object as Record<string, unknown>)[name]
    const after = cleanseNamed(name, before, depth, walk)
    if (after === before) continue
    changed ??= { ...object }
    changed[name] = after
  }
  return changed ?? object
}

function cleanseNamed(name: string, value: unknown, depth: number, walk: Walk): unknown {
  if (value === null || value === undefined || typeof value === 'boolean') return value
  const kind = kindOf(name)
  if (kind === 'secret') return REDACTED
  if (kind === 'mail' && typeof value === 'string') return walk.pseudonym(value)
  return typeof value === 'object' ? cleanseValue(value, depth + 1, walk) : value
}

/** An error with what JSON would leave out. */
function told(error: Error): object {
  const { name, message, stack, cause } = error
  const several = error instanceof AggregateError ? { errors: error.errors } : {}
  return { ...error, type: name, message, stack, ...several, ...(cause === undefined ? {} : { cause }) }
}

interface Rule {
  name: string
  /** One of these stands in every text that `pattern` finds something in: most lines are done after a look for them. */
  hints: readonly string[]
  pattern: RegExp
  replace(found: string, pseudonym: Pseudonym): string
}

const keepStart = (found: string): string => found.replace(/([=:]\s*\\*"?).*$/s, `$1${REDACTED}`)

const NAMES =
  'pass(?:word|wd|phrase)?|pwd|secret|token|jwt|api[_-]?key|authori[sz]ation|cookie|private[_-]?key|database_url|redis_url|smtp_pass|dsn|otp'

/** What is found by how it looks, in finished lines. The first that fits wins, so the wider come first. */
const RULES: readonly Rule[] = [
  {
    name: 'private-key',
    hints: ['PRIVATE KEY'],
    pattern: /-----BEGIN [A-Z ]*PRIVATE KEY-----[^"]*/g,
    replace: () => REDACTED,
  },
  {
    name: 'url-password',
    hints: ['://'],
    pattern: /:\/\/[^\s"\\/]*:[^\s"\\]*@(?=[\w.[\]-])/g,
    replace: () => `://${REDACTED}@`,
  },
  {
    name: 'scheme',
    hints: ['earer ', 'asic ', 'EARER ', 'ASIC '],
    pattern: /\b(?:Bearer\s+[\w.~+/=-]{6,}|Basic\s+[\w+/=-]{16,})/gi,
    replace: () => REDACTED,
  },
  { name: 'jwt', hints: ['eyJ'], pattern: /eyJ[\w-]{5,}(?:\.[\w-]*){2,4}/g, replace: () => REDACTED },
  { name: 'api-token', hints: ['srt_'], pattern: /srt_[\w-]+/g, replace: () => REDACTED },
  {
    name: 'cookie',
    hints: ['__Host-', '__Secure-'],
    pattern: /__(?:Host|Secure)-[\w-]+=[^;\s"\\]+/g,
    replace: keepStart,
  },
  {
    name: 'parameter',
    hints: ['='],
    pattern: new RegExp(
      `(?:[?&;](?:code|state|key|sig|signature|session|sid|auth)|(?:${NAMES}))=(?!\\[)[^&\\s"\\\\;,)}]+`,
      'gi',
    ),
    replace: keepStart,
  },
  {
    name: 'field',
    hints: [':'],
    // In JSON, in JSON inside a string, and in plain words.
    pattern: new RegExp(
      `(?:${NAMES})(?:\\\\*"\\s*:\\s*\\\\*"(?!\\[)[^"\\\\]+|\\s*:\\s*[^\\s"\\\\[{,;]{6,})`,
      'gi',
    ),
    replace: keepStart,
  },
  {
    name: 'mail',
    hints: ['@', '%40'],
    pattern: /[\p{L}\p{N}._+%'-]+(?:@|%40)[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)*\.\p{L}{2,}/giu,
    replace: (found, pseudonym) => pseudonym(found.replace(/%40/i, '@')),
  },
]

/** A finished line without what a log must not hold, and the names of the rules that found something. */
export interface Scanned {
  line: string
  found: readonly string[]
}

const NOTHING: readonly string[] = []

/**
 * The second look, at the bytes that go out: what an address, a token or a key looks like is replaced wherever it stands,
 * also in messages, causes and URLs. `known` are secrets of this process that are looked for as such.
 */
export function scan(line: string, pseudonym: Pseudonym, known: readonly string[]): Scanned {
  let text = line
  let found: string[] | undefined
  for (const secret of known) {
    if (!text.includes(secret)) continue
    text = text.replaceAll(secret, REDACTED)
    found = [...(found ?? []), 'known']
  }
  for (const { name, hints, pattern, replace } of RULES) {
    if (!hints.some((hint) => text.includes(hint))) continue
    const after = text.replace(pattern, (match) => replace(match, pseudonym))
    if (after === text) continue
    text = after
    found = [...(found ?? []), name]
  }
  return { line: text, found: found ?? NOTHING }
}
