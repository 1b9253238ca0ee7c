import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import fc from 'fast-check'
import { decrypt, encrypt } from './frames.ts'

const key = { keyId: 'k', key: randomBytes(32) }
const find = async () => key.key
const gather = (source: AsyncIterable<Uint8Array>) => buffer(source)
const sealed = (content: Uint8Array, name = 'a/b/dump') => gather(encrypt([content], key, name))
const unreadable = { code: 'backup-unreadable' }

test('what is encrypted comes back, at every length around the frames and however it is cut', async () => {
  for (const length of [0, 1, 65_535, 65_536, 65_537, 131_072, 200_000]) {
    const content = randomBytes(length)
    const pieces = Array.from({ length: Math.ceil(length / 1_000) }, (_, i) =>
      content.subarray(i * 1_000, i * 1_000 + 1_000),
    )
    const bytes = await gather(encrypt(pieces, key, 'n'))
    assert.deepEqual(await gather(decrypt([bytes], find, 'n')), content)
    assert.deepEqual(await gather(decrypt(cut(bytes, 777), find, 'n')), content)
  }
})

function* cut(bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

test('a changed byte anywhere is noticed', async () => {
  const bytes = await sealed(randomBytes(150_000))
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
      const copy = Buffer.from(bytes)
      copy[at] = (copy[at] as number) ^ change
      await assert.rejects(gather(decrypt([copy], find, 'a/b/dump')), unreadable)
    }),
    { numRuns: 40 },
  )
})

test('a stream that was cut off, also between two frames, or that lost or swapped frames, is noticed', async () => {
  const frame = 65_536 + 16
  const bytes = await sealed(randomBytes(65_536 * 3))
  const header = bytes.subarray(0, 84)
  const frames = [0, 1, 2].map((n) => bytes.subarray(84 + n * frame, 84 + (n + 1) * frame))
  const [a, b, c] = frames as [Buffer, Buffer, Buffer]
  for (const parts of [[], [a], [a, b], [b, c], [a, c], [b, a, c], [a, b, c, c], [a, b, c.subarray(0, -1)]])
    await assert.rejects(gather(decrypt([Buffer.concat([header, ...parts])], find, 'a/b/dump')), unreadable)
  await assert.rejects(gather(decrypt([header.subarray(0, 20)], find, 'a/b/dump')), unreadable)
})

test('another key or another name does not open it', async () => {
  const bytes = await sealed(Buffer.from('content'))
  await assert.rejects(gather(decrypt([bytes], async () => randomBytes(32), 'a/b/dump')), unreadable)
  await assert.rejects(gather(decrypt([bytes], find, 'other/b/dump')), unreadable)
})

test('the same content is never the same bytes', async () => {
  const content = Buffer.from('content')
  assert.notDeepEqual(await sealed(content), await sealed(content))
})
