import { createCipheriv, createDecipheriv, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto'
import type { SealedParts } from './format.ts'

const ALGORITHM = 'aes-256-gcm'
const IV = 12
const TAG = 16
const COMMITMENT = 32

/**
 * AES-256-GCM (NIST SP 800-38D) under a 256-bit key with a random 96-bit IV; `aad` is authenticated and not stored. With
 * `commit` the text is bound to its key as well, as the AWS Encryption SDK does: a key and a 256-bit commitment are
 * derived for this one text, so no second key opens it to something else.
 */
export function encrypt(
  key: Uint8Array,
  aad: string,
  plain: Uint8Array,
  commit: boolean,
): Omit<SealedParts, 'version'> {
  const iv = randomBytes(commit ? IV + IV : IV)
  const { own, commitment } = commit ? derive(key, iv.subarray(0, IV)) : { own: key, commitment: NOTHING }
  const cipher = createCipheriv(ALGORITHM, own, iv.subarray(-IV), { authTagLength: TAG }).setAAD(
    Buffer.from(aad),
  )
  const ciphertext = Buffer.concat([commitment, cipher.update(plain), cipher.final()])
  return { iv, tag: cipher.getAuthTag(), ciphertext }
}

/** What `encrypt` encrypted; null when any part, the key or `aad` differs. */
export function decrypt(key: Uint8Array, aad: string, parts: Omit<SealedParts, 'version'>): Buffer | null {
  const { iv, tag, ciphertext } = parts
  const committed = iv.length === IV + IV
  const { own, commitment } = committed ? derive(key, iv.subarray(0, IV)) : { own: key, commitment: NOTHING }
  const head = ciphertext.subarray(0, commitment.length)
  if (head.length !== commitment.length || !timingSafeEqual(head, commitment)) return null
  // Without authTagLength Node takes tags of 4 bytes, which are guessed in no time.
  const decipher = createDecipheriv(ALGORITHM, own, iv.subarray(-IV), { authTagLength: TAG })
  decipher.setAAD(Buffer.from(aad)).setAuthTag(tag)
  const plain = decipher.update(ciphertext.subarray(commitment.length))
  try {
    return Buffer.concat([plain, decipher.final()])
  } catch {
    return null
  }
}

/** A key of its own for `purpose` (HKDF-SHA-256, RFC 5869): what is sealed under one means nothing under another. */
export function subkey(key: Uint8Array, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, NOTHING, purpose, 32))
}

const NOTHING = Buffer.alloc(0)

function derive(key: Uint8Array, salt: Uint8Array): { own: Buffer; commitment: Buffer } {
  const both = Buffer.from(hkdfSync('sha512', key, salt, 'surety committed text', 32 + COMMITMENT))
  return { own: both.subarray(0, 32), commitment: both.subarray(32) }
}
