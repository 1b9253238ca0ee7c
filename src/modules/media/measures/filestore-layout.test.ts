import assert from 'node:assert/strict'
import { createReadStream } from 'node:fs'
import { access, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { probe } from '../../../../test/support/probe.ts'
import type { Filestore } from '../../../data/filestore.ts'
import { Problem } from '../../../kernel/problems.ts'
import type { CanaryPair } from '../../tenancy/index.ts'
import { filestoreLayout } from './filestore-layout.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform()
})
after(() => platform?.stop())

const failures = async (change: (pair: CanaryPair) => CanaryPair) => {
  const { stores, tenancy } = platform
  const measure = filestoreLayout(stores.files, async () => (await tenancy.canaries.open()).map(change))
  return (await probe(measure)).failed
}

const asProblem = (cause: unknown): never => {
  throw new Problem({ code: 'file', status: 400, title: 'It did not work' }, 'As it came.', {}, cause)
}

/** What most applications do with a path. */
const naive = (files: Filestore, folder: string): Filestore => ({
  ...files,
  open: async (path) => {
    await access(join(folder, path.replaceAll('\0.png', ''))).catch(asProblem)
    const stream = createReadStream(join(folder, path.replaceAll('\0.png', '')))
    return { size: 0, modifiedAt: new Date(0), stream }
  },
  async write(path, content) {
    const file = join(folder, path.replaceAll('\0', ''))
    await mkdir(dirname(file), { recursive: true }).catch(asProblem)
    await writeFile(file, content as Iterable<Uint8Array>).catch(asProblem)
    return { size: 0, sha256: '' }
  },
})

it('filestore.layout is green', async () => assert.deepEqual(await failures((pair) => pair), []))

it('filestore.layout goes red when paths are joined as they come', async () => {
  const folder = (slug: string) => join(platform.stores.files, 'filestore', slug)
  const failed = await failures(({ a, b, ...pair }) => ({
    ...pair,
    a: { ...a, files: naive(a.files, folder(a.slug)) },
    b,
  }))
  assert.ok(failed.includes('rows: reading by going up'), failed.join())
  assert.ok(failed.includes('rows: writing by going up, files outside the own folder'), failed.join())
})

it('filestore.layout goes red when files land in another tenant’s folder', async () => {
  const failed = await failures(({ a, b, ...pair }) => ({ ...pair, a: { ...a, files: b.files }, b }))
  assert.ok(
    failed.includes('rows: files anywhere in the store that contain what was uploaded'),
    failed.join(),
  )
})
