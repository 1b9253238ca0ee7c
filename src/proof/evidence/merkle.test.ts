import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  consistencyProof,
  inclusionProof,
  leafHash,
  nodeHash,
  type ReadNode,
  rootHash,
  verifyConsistency,
  verifyInclusion,
} from './merkle.ts'

/** The reference leaves of the certificate-transparency test suite. */
const LEAVES = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
]
const ROOTS = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]

const reader = (leaves: readonly Uint8Array[]): ReadNode => {
  const read = (level: number, index: number): Buffer =>
    level === 0
      ? leafHash(leaves[index] as Uint8Array)
      : nodeHash(read(level - 1, index * 2), read(level - 1, index * 2 + 1))
  return read
}
const leavesOf = (count: number) => Array.from({ length: count }, (_, i) => Buffer.from(`leaf ${i}`))

describe('the Merkle tree is that of RFC 6962', () => {
  it('has the published roots of the reference leaves', async () => {
    const leaves = LEAVES.map((hex) => Buffer.from(hex, 'hex'))
    for (const [i, root] of ROOTS.entries()) {
      assert.equal((await rootHash(i + 1, reader(leaves))).toString('hex'), root)
    }
    assert.equal((await rootHash(0, reader([]))).toString('hex').slice(0, 16), 'e3b0c44298fc1c14')
  })

  it('proves every leaf of trees of up to 40 leaves, and no other leaf', async () => {
    for (let size = 1; size <= 40; size += 1) {
      const leaves = leavesOf(size)
      const root = await rootHash(size, reader(leaves))
      for (let index = 0; index < size; index += 1) {
        const proof = await inclusionProof(index, size, reader(leaves))
        const leaf = leafHash(leaves[index] as Uint8Array)
        assert.ok(verifyInclusion({ index, size, leaf, root }, proof))
        assert.ok(!verifyInclusion({ index, size, leaf: leafHash(Buffer.from('other')), root }, proof))
        assert.ok(!verifyInclusion({ index: index + 1, size, leaf, root }, proof))
      }
    }
  })

  it('proves that an older tree is the beginning of a newer one, and refuses any other', async () => {
    const sizes = fc.tuple(fc.integer({ min: 0, max: 70 }), fc.integer({ min: 0, max: 70 }))
    const attempt = fc.asyncProperty(sizes, async ([a, b]) => {
      const [from, to] = a < b ? [a, b] : [b, a]
      const read = reader(leavesOf(to))
      const older = { size: from, root: await rootHash(from, read) }
      const newer = { size: to, root: await rootHash(to, read) }
      const proof = await consistencyProof(from, to, read)
      assert.ok(verifyConsistency(older, newer, proof))
      if (from > 0)
        assert.ok(!verifyConsistency({ ...older, root: leafHash(Buffer.from('x')) }, newer, proof))
    })
    await fc.assert(attempt, { numRuns: 200 })
  })
})
