import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { z } from 'zod'
import { defineProblem } from '../../kernel/problems.ts'

/** What a checkpoint says: the log's name, its size, and the root of the tree of that size. */
export interface Checkpoint {
  origin: string
  size: number
  root: Buffer
}

/** Signs checkpoints of one log (Ed25519). */
export interface Signer {
  name: string
  key: KeyObject
}

const malformed = defineProblem({
  code: 'checkpoint-malformed',
  status: 400,
  title: 'Not a signed checkpoint',
})
const ED25519 = 0x01

/** A signer from a 32-byte Ed25519 seed. `name` is also the log's origin, a schema-less URL without spaces or plus. */
export function signerFromSeed(name: string, seed: Uint8Array): Signer {
  // PKCS #8 wrapping of a raw Ed25519 seed (RFC 8410 §7).
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
  return { name, key: createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }) }
}

/** The verifier key in C2SP signed-note form: `<name>+<key id, hex>+<base64(0x01 ‖ public key)>`. */
export function verifierKey(signer: Signer): string {
  const typed = typedPublicKey(signer.key)
  return `${signer.name}+${keyId(signer.name, typed).toString('hex')}+${typed.toString('base64')}`
}

/** The signed note (C2SP tlog-checkpoint): body, empty line, signature line. */
export function signCheckpoint(checkpoint: Checkpoint, signer: Signer): string {
  const body = `${checkpoint.origin}\n${checkpoint.size}\n${checkpoint.root.toString('base64')}\n`
  const id = keyId(signer.name, typedPublicKey(signer.key))
  const signature = Buffer.concat([id, sign(null, Buffer.from(body), signer.key)])
  return `${body}\n— ${signer.name} ${signature.toString('base64')}\n`
}

const NOTE = /^([^\n]+)\n(0|[1-9]\d{0,15})\n([A-Za-z0-9+/]{43}=)\n\n((?:— [^\s+]+ [A-Za-z0-9+/]+={0,2}\n)+)$/

/**
 * Checks a signed checkpoint against a verifier key and returns what it says. Throws a Problem `checkpoint-malformed`
 * for anything but exactly one well-formed note with a valid signature of that key.
 */
export function openCheckpoint(note: string, logKey: string): Checkpoint {
  const match = NOTE.exec(note)
  if (!match) throw malformed('The text is not a signed note with origin, size and root.')
  const [, origin, size, root, signatures] = match as unknown as [string, string, string, string, string]
  const { name, id, key } = parseVerifierKey(logKey)
  const body = Buffer.from(note.slice(0, note.indexOf('\n\n') + 1))
  const signed = signatures
    .split('\n')
    .filter((line) => line.startsWith(`— ${name} `))
    .map((line) => Buffer.from(line.slice(`— ${name} `.length), 'base64'))
    .filter((bytes) => bytes.subarray(0, 4).equals(id))
    .some((bytes) => verify(null, body, key, bytes.subarray(4)))
  if (!signed) throw malformed(`No valid signature by ${name}.`)
  return { origin, size: Number(size), root: Buffer.from(root, 'base64') }
}

const VERIFIER = z.string().regex(/^[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}$/)

function parseVerifierKey(text: string): { name: string; id: Buffer; key: KeyObject } {
  const parsed = VERIFIER.safeParse(text.trim())
  if (!parsed.success) throw malformed('The log key has the form name+id+base64.')
  const [name, hex, base64] = [
    parsed.data.split('+', 2)[0],
    parsed.data.split('+', 2)[1],
    parsed.data.replace(/^[^+]+\+[^+]+\+/, ''),
  ]
  const typed = Buffer.from(base64, 'base64')
  const id = keyId(name as string, typed)
  if (typed[0] !== ED25519 || id.toString('hex') !== hex)
    throw malformed('The log key does not match its id.')
  // SubjectPublicKeyInfo wrapping of a raw Ed25519 key (RFC 8410 §4).
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), typed.subarray(1)])
  return { name: name as string, id, key: createPublicKey({ key: der, format: 'der', type: 'spki' }) }
}

function typedPublicKey(key: KeyObject): Buffer {
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' })
  return Buffer.concat([Buffer.of(ED25519), spki.subarray(-32)])
}

/** C2SP signed-note: the first four bytes of SHA-256(name ‖ "\n" ‖ typed key). */
function keyId(name: string, typed: Buffer): Buffer {
  return createHash('sha256').update(`${name}\n`).update(typed).digest().subarray(0, 4)
}
