import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { defineProblem } from '../../kernel/problems.ts'

/** How every encrypted object begins: format and version, then which key of the tenant it needs, then a salt. */
const MAGIC = Buffer.from('surety-backup-1\n')
const KEY_ID = 36
const SALT = 32
const FRAME = 65_536
const TAG = 16
const HEADER = MAGIC.length + KEY_ID + SALT

/** A key and the id (36 characters) by which it is found again. */
export interface NamedKey {
  keyId: string
  key: Uint8Array
}

/** Bytes that come one block after the other. */
export type Bytes = AsyncIterable<Uint8Array> | Iterable<Uint8Array>

const unreadable = defineProblem({
  code: 'backup-unreadable',
  status: 500,
  title: 'The backup cannot be decrypted',
})

/**
 * Encrypts a stream in frames of 64 KiB by AES-256-GCM, in constant memory. A frame's nonce is its number and whether it
 * is the last one (STREAM: Hoang, Reyhanitabar, Rogaway, Vizár 2015), so that frames cannot be cut off, left out or
 * moved; each object has a key of its own (HKDF-SHA-256 over a random salt), so that no nonce is used twice. `name` is
 * bound in: an object put in another's place does not decrypt.
 */
export async function* encrypt(
  source: Bytes,
  { keyId, key }: NamedKey,
  name: string,
): AsyncGenerator<Buffer> {
  const salt = randomBytes(SALT)
  const id = keyId.padEnd(KEY_ID)
  const objectKey = deriveKey(key, salt, `${id} ${name}`)
  yield Buffer.concat([MAGIC, Buffer.from(id), salt])
  for await (const { block, number, last } of inBlocks(source, FRAME)) {
    const cipher = createCipheriv('aes-256-gcm', objectKey, nonce(number, last))
    cipher.setAAD(Buffer.from(name))
    yield Buffer.concat([cipher.update(block), cipher.final(), cipher.getAuthTag()])
  }
}

/**
 * The content that `encrypt` was given, frame by frame as each is verified. Throws a Problem `backup-unreadable` at the
 * first byte that is not as it was written: changed, cut off, moved, of another name, or under another key.
 */
export async function* decrypt(
  source: Bytes,
  findKey: (keyId: string) => Promise<Uint8Array>,
  name: string,
): AsyncGenerator<Buffer> {
  const { keyId, salt, rest } = await readHeader(source, name)
  const objectKey = deriveKey(await findKey(keyId.trim()), salt, `${keyId} ${name}`)
  for await (const { block, number, last } of inBlocks(rest, FRAME + TAG)) {
    const decipher = createDecipheriv('aes-256-gcm', objectKey, nonce(number, last), { authTagLength: TAG })
    decipher.setAAD(Buffer.from(name))
    let plain: Buffer
    try {
      decipher.setAuthTag(block.subarray(-TAG))
      plain = Buffer.concat([decipher.update(block.subarray(0, -TAG)), decipher.final()])
    } catch (cause) {
      throw unreadable(`${name}: frame ${number} is not as it was written, or the key is another.`, { cause })
    }
    if (plain.length > 0) yield plain
  }
}

/** Whether an object begins as ours do. */
export function looksEncrypted(start: Uint8Array): boolean {
  return Buffer.from(start.subarray(0, MAGIC.length)).equals(MAGIC)
}

function deriveKey(key: Uint8Array, salt: Uint8Array, bound: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, salt, `surety backup object ${bound}`, 32))
}

function nonce(number: number, last: boolean): Buffer {
  const bytes = Buffer.alloc(12)
  bytes.writeBigUInt64BE(BigInt(number), 3)
  bytes[11] = last ? 1 : 0
  return bytes
}

async function readHeader(
  source: Bytes,
  name: string,
): Promise<{ keyId: string; salt: Buffer; rest: Bytes }> {
  const iterator = iterate(source)
  let start = Buffer.alloc(0)
  while (start.length < HEADER) {
    const { done, value } = await iterator.next()
    if (done) break
    start = Buffer.concat([start, value])
  }
  if (start.length < HEADER || !looksEncrypted(start)) {
    await iterator.return?.()
    throw unreadable(`${name} does not begin as an encrypted object does.`)
  }
  const rest = (async function* () {
    try {
      yield start.subarray(HEADER)
      for (;;) {
        const { done, value } = await iterator.next()
        if (done) return
        yield value
      }
    } finally {
      await iterator.return?.()
    }
  })()
  const keyEnd = MAGIC.length + KEY_ID
  return {
    keyId: start.subarray(MAGIC.length, keyEnd).toString('latin1'),
    salt: start.subarray(keyEnd, HEADER),
    rest,
  }
}

function iterate(source: Bytes): AsyncIterator<Uint8Array> | Iterator<Uint8Array> {
  return Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
}

/** The stream cut into blocks of `size`; the last one is shorter, or empty, and says that it is the last. */
async function* inBlocks(
  source: Bytes,
  size: number,
): AsyncGenerator<{ block: Buffer; number: number; last: boolean }> {
  let parts: Uint8Array[] = []
  let held = 0
  let number = 0
  for await (const part of source) {
    parts.push(part)
    held += part.length
    if (held <= size) continue
    const all = Buffer.concat(parts, held)
    let at = 0
    // One block stays behind: only the end of the stream tells which is the last.
    for (; held - at > size; at += size)
      yield { block: all.subarray(at, at + size), number: number++, last: false }
    parts = [all.subarray(at)]
    held -= at
  }
  yield { block: Buffer.concat(parts, held), number, last: true }
}
