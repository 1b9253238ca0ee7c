import assert from 'node:assert/strict'
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, it } from 'node:test'
import fc from 'fast-check'
import { killHard, startHolder } from '../../test/support/holder.ts'
import { openFilestore, sweepIncoming } from './filestore.ts'

const root = mkdtempSync(join(tmpdir(), 'surety-files-'))
after(() => rmSync(root, { recursive: true }))
const files = openFilestore({ root, folder: 'a' })
const other = openFilestore({ root, folder: 'b' })
const bytes = (content: string) => [Buffer.from(content)]
const read = async (path: string) => text((await files.open(path)).stream)
const missing = { code: 'file-not-found' }

it('keeps what was written, private to its owner, and says size and hash', async () => {
  const written = await files.write('sponsors/acme.svg', bytes('<svg/>'))
  assert.equal(written.size, 6)
  assert.match(written.sha256, /^[0-9a-f]{64}$/)
  assert.equal(await read('sponsors/acme.svg'), '<svg/>')
  assert.equal(statSync(join(root, 'filestore/a/sponsors/acme.svg')).mode & 0o777, 0o600)
  assert.equal(statSync(join(root, 'filestore/a/sponsors')).mode & 0o777, 0o700)
  assert.deepEqual(await files.list(), ['sponsors/acme.svg'])
  assert.deepEqual(await other.list(), [])
})

it('removes once', async () => {
  await files.write('gone', bytes('x'))
  assert.deepEqual([await files.remove('gone'), await files.remove('gone')], [true, false])
  await assert.rejects(files.open('gone'), missing)
})

it('refuses every path that could mean another place', async () => {
  const bad = [
    '',
    '/etc/passwd',
    '..',
    '../b/x',
    'a/../../b',
    './x',
    'a//b',
    'a/',
    '.incoming/x',
    'a\\b',
    'a\u0000b',
    'C:x',
    `${'a'.repeat(201)}`,
    'e\u0301',
    '\ud800',
  ]
  for (const path of bad) await assert.rejects(async () => files.open(path), { code: 'file-path' }, path)
})

it('follows no link, to a file or a folder, whether symbolic or hard', async () => {
  await other.write('secret', bytes('of b'))
  const folder = join(root, 'filestore/a')
  symlinkSync('../b/secret', join(folder, 'link'))
  symlinkSync('../b', join(folder, 'folder'))
  linkSync(join(root, 'filestore/b/secret'), join(folder, 'hard'))
  for (const path of ['link', 'folder/secret', 'hard']) await assert.rejects(files.open(path), missing, path)
  await assert.rejects(files.write('folder/planted', bytes('x')), missing)
  await files.write('link', bytes('of a'))
  assert.equal(readFileSync(join(root, 'filestore/b/secret'), 'utf8'), 'of b')
  assert.deepEqual(readdirSync(join(root, 'filestore/b')).sort(), ['.incoming', 'secret'])
})

it('never leaves the folder, whatever the path', async () => {
  const segment = fc.constantFrom(
    '..',
    '.',
    '',
    'a',
    'b',
    'link',
    'folder',
    '%2e%2e',
    '~',
    '\\',
    '\u0000',
    'ü',
  )
  await fc.assert(
    fc.asyncProperty(fc.array(segment, { maxLength: 6 }), async (segments) => {
      await files.write(segments.join('/'), bytes('fuzz')).catch((error: { code?: string }) => {
        assert.ok(['file-path', 'file-not-found'].includes(error.code ?? ''), error.code)
      })
    }),
    { numRuns: 200 },
  )
  assert.deepEqual(readdirSync(root), ['filestore'])
  assert.deepEqual(readdirSync(join(root, 'filestore')).sort(), ['a', 'b'])
  assert.deepEqual(readdirSync(join(root, 'filestore/b')).sort(), ['.incoming', 'secret'])
})

it('leaves the old file whole when a write is killed, and lists no leftover', async () => {
  await files.write('kept', bytes('old'))
  const source = `
    import { openFilestore } from ${JSON.stringify(new URL('./filestore.ts', import.meta.url).href)}
    async function* slowly() {
      yield Buffer.alloc(100_000)
      await new Promise((resolve) => setTimeout(resolve, 200))
      console.log('half')
      await new Promise((resolve) => setTimeout(resolve, 60_000))
      yield Buffer.from('rest')
    }
    await openFilestore({ root: process.argv[1], folder: 'a' }).write('kept', slowly())`
  const { process: child } = await startHolder(source, [root])
  await killHard(child)
  assert.equal(await read('kept'), 'old')
  const incoming = join(root, 'filestore/a/.incoming')
  assert.equal(readdirSync(incoming).length, 1)
  assert.ok(!(await files.list()).some((path) => path.includes('incoming')))
  await sweepIncoming({ root, folder: 'a' }, 60_000)
  assert.equal(readdirSync(incoming).length, 1)
  await sweepIncoming({ root, folder: 'a' }, -1)
  assert.equal(readdirSync(incoming).length, 0)
})

it('leaves nothing of a write that failed', async () => {
  function* broken() {
    yield Buffer.from('half')
    throw new Error('the sender went away')
  }
  await assert.rejects(files.write('kept', broken()), /sender went away/)
  assert.equal(await read('kept'), 'old')
  assert.equal(readdirSync(join(root, 'filestore/a/.incoming')).length, 0)
  mkdirSync(join(root, 'filestore/a/taken'))
  writeFileSync(join(root, 'filestore/a/taken/x'), '')
  await assert.rejects(files.write('taken', bytes('x')))
})
