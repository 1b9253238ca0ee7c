import { createHash } from 'node:crypto'

/** The hash of the complete subtree at `level` (0: leaves) and `index`, which covers leaves `index·2^level` onwards. */
export type ReadNode = (level: number, index: number) => Promise<Buffer> | Buffer

/** RFC 6962 §2.1: SHA-256(0x00 ‖ leaf). */
export function leafHash(leaf: Uint8Array): Buffer {
  return createHash('sha256').update(Buffer.of(0)).update(leaf).digest()
}

/** RFC 6962 §2.1: SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  return createHash('sha256').update(Buffer.of(1)).update(left).update(right).digest()
}

/** The root of the tree of `size` leaves; of the empty tree it is SHA-256 of nothing. */
export async function rootHash(size: number, read: ReadNode): Promise<Buffer> {
  return size === 0 ? createHash('sha256').digest() : rangeHash(0, size, read)
}

/** RFC 6962 §2.1.1: the hashes that lead from leaf `index` to the root of the tree of `size` leaves. */
export async function inclusionProof(index: number, size: number, read: ReadNode): Promise<Buffer[]> {
  return pathTo(index, 0, size, read)
}

/** RFC 6962 §2.1.2: the hashes that show that the tree of `from` leaves is the beginning of the tree of `to` leaves. */
export async function consistencyProof(from: number, to: number, read: ReadNode): Promise<Buffer[]> {
  return from === 0 || from === to ? [] : subproof(from, 0, to, true, read)
}

/** RFC 9162 §2.1.3.2: whether `proof` leads from `leaf` (a leaf hash) at `index` to `root` in a tree of `size` leaves. */
export function verifyInclusion(
  claim: { index: number; size: number; leaf: Uint8Array; root: Uint8Array },
  proof: readonly Uint8Array[],
): boolean {
  if (claim.index >= claim.size || claim.index < 0) return false
  let fn = claim.index
  let sn = claim.size - 1
  let hash: Buffer = Buffer.from(claim.leaf)
  for (const sibling of proof) {
    if (sn === 0) return false
    if (fn % 2 === 1 || fn === sn) {
      hash = nodeHash(sibling, hash)
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [half(fn), half(sn)]
    } else hash = nodeHash(hash, sibling)
    ;[fn, sn] = [half(fn), half(sn)]
  }
  return sn === 0 && hash.equals(claim.root)
}

/** RFC 9162 §2.1.4.2: whether `proof` shows the tree `from` to be the beginning of the tree `to`. */
export function verifyConsistency(
  from: { size: number; root: Uint8Array },
  to: { size: number; root: Uint8Array },
  proof: readonly Uint8Array[],
): boolean {
  if (from.size > to.size) return false
  if (from.size === to.size) return proof.length === 0 && Buffer.from(from.root).equals(to.root)
  if (from.size === 0) return proof.length === 0
  const path = isPowerOfTwo(from.size) ? [from.root, ...proof] : [...proof]
  let fn = from.size - 1
  let sn = to.size - 1
  while (fn % 2 === 1) [fn, sn] = [half(fn), half(sn)]
  const first = path.shift()
  if (!first) return false
  let fr: Buffer = Buffer.from(first)
  let sr: Buffer = Buffer.from(first)
  for (const hash of path) {
    if (sn === 0) return false
    if (fn % 2 === 1 || fn === sn) {
      fr = nodeHash(hash, fr)
      sr = nodeHash(hash, sr)
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [half(fn), half(sn)]
    } else sr = nodeHash(sr, hash)
    ;[fn, sn] = [half(fn), half(sn)]
  }
  return sn === 0 && fr.equals(from.root) && sr.equals(to.root)
}

const half = (n: number): number => Math.floor(n / 2)

function isPowerOfTwo(n: number): boolean {
  return Number.isInteger(Math.log2(n))
}

/** The largest power of two smaller than `n`. */
function split(n: number): number {
  let k = 1
  while (k * 2 < n) k *= 2
  return k
}

async function rangeHash(start: number, size: number, read: ReadNode): Promise<Buffer> {
  if (isPowerOfTwo(size)) return read(Math.log2(size), start / size)
  const k = split(size)
  return nodeHash(await rangeHash(start, k, read), await rangeHash(start + k, size - k, read))
}

async function pathTo(index: number, start: number, size: number, read: ReadNode): Promise<Buffer[]> {
  if (size === 1) return []
  const k = split(size)
  return index < k
    ? [...(await pathTo(index, start, k, read)), await rangeHash(start + k, size - k, read)]
    : [...(await pathTo(index - k, start + k, size - k, read)), await rangeHash(start, k, read)]
}

async function subproof(
  from: number,
  start: number,
  size: number,
  whole: boolean,
  read: ReadNode,
): Promise<Buffer[]> {
  if (from === size) return whole ? [] : [await rangeHash(start, size, read)]
  const k = split(size)
  return from <= k
    ? [...(await subproof(from, start, k, whole, read)), await rangeHash(start + k, size - k, read)]
    : [...(await subproof(from - k, start + k, size - k, false, read)), await rangeHash(start, k, read)]
}
