/** What stands in a sealed text `v{N}:iv:tag:ct`; the last three are base64url without padding. */
export interface SealedParts {
  /** Version of the data key, 1 to 16. */
  version: number
  /** 12 bytes; 24 with key commitment (12 of salt, 12 of IV). */
  iv: Buffer
  /** 16 bytes. */
  tag: Buffer
  /** As long as the secret; 32 bytes longer with key commitment. */
  ciphertext: Buffer
}

/** The highest version of a key. */
export const MOST_VERSIONS = 16

const FORM = /^v([1-9]|1[0-6]):([\w-]{16}|[\w-]{32}):([\w-]{22}):([\w-]*)$/

export function formatSealed({ version, iv, tag, ciphertext }: SealedParts): string {
  return [`v${version}`, ...[iv, tag, ciphertext].map((part) => part.toString('base64url'))].join(':')
}

/**
 * The parts of a sealed text, or null for anything that is not one. Strict: base64url has spare bits in its last
 * character, so only the one spelling that `formatSealed` gives is taken; a text cannot be changed and still be the same.
 */
export function parseSealed(text: string): SealedParts | null {
  const match = FORM.exec(text)
  if (!match) return null
  const [iv, tag, ciphertext] = match.slice(2).map((part) => Buffer.from(part, 'base64url'))
  const parts = { version: Number(match[1]), iv, tag, ciphertext } as SealedParts
  return formatSealed(parts) === text ? parts : null
}
