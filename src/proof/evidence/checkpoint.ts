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
/** C2SP tlog-cosignature, Ed25519. */
export const COSIGNATURE = 0x04

/** A signer from a 32-byte Ed25519 seed. `name` is also the log's origin, a schema-less URL without spaces or plus. */
export function signerFromSeed(name: string, seed: Uint8Array): Signer {
  // PKCS #8 wrapping of a raw Ed25519 seed (RFC 8410 §7).
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
  return { name, key: createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }) }
}

/** The verifier key in C2SP signed-note form: `<name>+<key id, hex>+<base64(type ‖ public key)>`. */
export function verifierKey(signer: Signer, type: KeyType = ED25519): string {
  const typed = typedPublicKey(signer.key, type)
  return `${signer.name}+${keyId(signer.name, typed).toString('hex')}+${typed.toString('base64')}`
}

/** The signed note (C2SP tlog-checkpoint): body, empty line, signature line. */
export function signCheckpoint(checkpoint: Checkpoint, signer: Signer): string {
  const body = `${checkpoint.origin}\n${checkpoint.size}\n${checkpoint.root.toString('base64')}\n`
  return `${body}\n${signatureLine(signer, ED25519, sign(null, Buffer.from(body), signer.key))}`
}

/** A signature line of a note. */
export function signatureLine(signer: Signer, type: KeyType, signature: Uint8Array): string {
  const id = keyId(signer.name, typedPublicKey(signer.key, type))
  return `— ${signer.name} ${Buffer.concat([id, signature]).toString('base64')}\n`
}

const NOTE = /^([^\n]+)\n(0|[1-9]\d{0,15})\n([A-Za-z0-9+/]{43}=)\n\n((?:— [^\s+]+ [A-Za-z0-9+/]+={0,2}\n)+)$/

/**
 * Checks a signed checkpoint against a verifier key and returns what it says. Throws a Problem `checkpoint-malformed`
 * for anything but exactly one well-formed note with a valid signature of that key.
 */
export function openCheckpoint(note: string, logKey: string): Checkpoint {
  const { body, checkpoint } = splitNote(note)
  const verifier = parseVerifierKey(logKey)
  const signed = signaturesBy(note, verifier).some((bytes) => verify(null, body, verifier.key, bytes))
  if (!signed) throw malformed(`No valid signature by ${verifier.name}.`)
  return checkpoint
}

/** What a note says, not yet checked, and the bytes that its signatures cover. */
export function splitNote(note: string): { body: Buffer; checkpoint: Checkpoint } {
  const match = NOTE.exec(note)
  if (!match) throw malformed('The text is not a signed note with origin, size and root.')
  const [, origin, size, root] = match as unknown as [string, string, string, string]
  const body = Buffer.from(note.slice(0, note.indexOf('\n\n') + 1))
  return { body, checkpoint: { origin, size: Number(size), root: Buffer.from(root, 'base64') } }
}

/** The signatures of a note that name this verifier, not yet checked. */
export function signaturesBy(note: string, { name, id }: Verifier): Buffer[] {
  return note
    .slice(note.indexOf('\n\n') + 2)
    .split('\n')
    .filter((line) => line.startsWith(`— ${name} `))
    .map((line) => Buffer.from(line.slice(`— ${name} `.length), 'base64'))
    .filter((bytes) => bytes.subarray(0, 4).equals(id))
    .map((bytes) => bytes.subarray(4))
}

/** A public key with the name that it signs under. */
export interface Verifier {
  name: string
  /** The first four bytes of a signature say which key made it. */
  id: Buffer
  key: KeyObject
}

/** Types of C2SP signatures: a log's own, and a witness's. */
export type KeyType = typeof ED25519 | typeof COSIGNATURE

const VERIFIER = z.string().regex(/^[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}$/)

/** Reads a verifier key of the given type. Throws a Problem `checkpoint-malformed`. */
export function parseVerifierKey(text: string, type: KeyType = ED25519): Verifier {
  const parsed = VERIFIER.safeParse(text.trim())
  if (!parsed.success) throw malformed('A key has the form name+id+base64.')
  const [name, hex, base64] = [
    parsed.data.split('+', 2)[0],
    parsed.data.split('+', 2)[1],
    parsed.data.replace(/^[^+]+\+[^+]+\+/, ''),
  ]
  const typed = Buffer.from(base64, 'base64')
  const id = keyId(name as string, typed)
  if (typed[0] !== type || id.toString('hex') !== hex)
    throw malformed('The key does not match its id, or is of another type.')
  // SubjectPublicKeyInfo wrapping of a raw Ed25519 key (RFC 8410 §4).
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), typed.subarray(1)])
  return { name: name as string, id, key: createPublicKey({ key: der, format: 'der', type: 'spki' }) }
}

function typedPublicKey(key: KeyObject, type: KeyType): Buffer {
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' })
  return Buffer.concat([Buffer.of(type), spki.subarray(-32)])
}

/** C2SP signed-note: the first four bytes of SHA-256(name ‖ "\n" ‖ typed key). */
function keyId(name: string, typed: Buffer): Buffer {
  return createHash('sha256').update(`${name}\n`).update(typed).digest().subarray(0, 4)
}
