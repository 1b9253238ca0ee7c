import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { type TestPlatform, testPlatform } from '../../test/support/platform.ts'
import { databases } from '../data/roles.ts'
import { systemClock } from '../kernel/clock.ts'
import { createLog } from '../kernel/log.ts'
import type { ProofApi } from './api.ts'
import { signCheckpoint, signerFromSeed, verifierKey } from './evidence/checkpoint.ts'
import { newestCheckpoint } from './evidence/log.ts'
import { leafHash, nodeHash, rootHash } from './evidence/merkle.ts'
import { readTile, tilePath } from './evidence/tiles.ts'
import { verifyBundle } from './evidence/verify.ts'
import { type ReadLog, verifyLog } from './evidence/verifyLog.ts'
import { proof } from './index.ts'
import { measure } from './measure.ts'

let holds = true
const door = measure({
  key: 'test.door',
  sources: [],
  family: 'separation',
  maps: {},
  claim: { de: () => 'Die Tür ist zu.', en: () => 'The door is shut.' },
  async prove({ check, positiveControl }) {
    positiveControl('an open door is seen', 'open', 'open')
    check('the door', 'shut', holds ? 'shut' : 'open')
  },
})
const uncontrolled = measure({
  ...door,
  key: 'test.uncontrolled',
  prove: async ({ check }) => check('x', 1, 1),
})
const blind = measure({
  ...door,
  key: 'test.blind',
  async prove({ check, positiveControl }) {
    positiveControl('the planted thing is seen', true, false)
    check('nothing found', 0, 0)
  },
})
const hidden = measure({
  ...door,
  key: 'test.hidden',
  prove: async (c) => c.notObservable('NO_VANTAGE', 'seen from outside only'),
})
const slow = measure({ ...door, key: 'test.slow', timeout: 50, prove: () => new Promise(() => undefined) })
const forgeable = measure({ ...door, key: 'test.forged' })
const many = Array.from({ length: 12 }, (_, i) => measure({ ...door, key: `test.many.${i}` }))
const short = measure({ ...door, key: 'test.short', freshFor: 0 })

describe('a status comes from evidence alone', () => {
  let platform: TestPlatform
  let api: ProofApi
  const outcome = async (key: string) => (await api.result(key))?.outcome

  before(async () => {
    platform = await testPlatform([proof])
    api = platform.api('proof') as ProofApi
    api.register([door, uncontrolled, blind, hidden, slow, short, forgeable, ...many])
  })
  after(() => platform?.stop())

  it('is never-run before the first run, proven after it, failed while broken, and proven again with the outage kept', async () => {
    assert.equal(await outcome('test.door'), 'never-run')
    await api.run('test.door')
    assert.equal(await outcome('test.door'), 'proven')
    holds = false
    await api.run('test.door')
    assert.equal(await outcome('test.door'), 'failed')
    holds = true
    await api.run('test.door')
    assert.equal(await outcome('test.door'), 'proven')
    const history = await api.history('test.door', 10)
    assert.deepEqual(
      history.map((run) => run.outcome),
      ['proven', 'failed', 'proven'],
    )
    assert.deepEqual(
      history[1]?.failedChecks.map(({ what, observed }) => [what, observed]),
      [['the door', 'open']],
    )
  })

  for (const [key, expected] of [
    ['test.uncontrolled', 'error'],
    ['test.blind', 'error'],
    ['test.hidden', 'not-observable'],
    ['test.slow', 'error'],
    ['test.short', 'stale'],
  ] as const) {
    it(`${key} is ${expected}, not proven`, async () => {
      await api.run(key)
      assert.equal(await outcome(key), expected)
    })
  }

  it('gives a bundle that verifies offline, and not after a changed byte or with another key', async () => {
    const index = (await api.result('test.door'))?.evidence?.index as number
    const text = JSON.stringify(await api.bundle(index))
    const { ok, record } = verifyBundle(text, (await api.checkpoint())?.logKey)
    assert.ok(ok)
    assert.equal((record as { measure: string }).measure, 'test.door')
    const bundle = JSON.parse(text)
    const leaf = Buffer.from(bundle.entry, 'base64').toString().replace('proven', 'failed')
    assert.ok(!verifyBundle(JSON.stringify({ ...bundle, entry: Buffer.from(leaf).toString('base64') })).ok)
    assert.ok(
      !verifyBundle(
        JSON.stringify({ ...bundle, checkpoint: bundle.checkpoint.replace(/\n\d+\n/, '\n999\n') }),
      ).ok,
    )
    assert.ok(!verifyBundle(text, 'other+00000000+AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA').ok)
    assert.throws(() => verifyBundle('{}'), { code: 'bundle-malformed' })
  })

  it('refuses every change to the log, even to a superuser, and shows one made around its triggers', async () => {
    const index = (await api.result('test.door'))?.evidence?.index
    await platform.asSuperuser(databases.control, async (client) => {
      await assert.rejects(client.query('DELETE FROM proof.entry'), /append-only/)
      await assert.rejects(client.query(`UPDATE proof.entry SET subject = 'x'`), /append-only/)
      await assert.rejects(client.query('TRUNCATE proof.entry'), /append-only/)
      const edit = (from: string, to: string) =>
        client.query(
          `UPDATE proof.entry SET leaf = convert_to(replace(convert_from(leaf, 'UTF8'), $2, $3), 'UTF8') WHERE index = $1`,
          [index, from, to],
        )
      await client.query('ALTER TABLE proof.entry DISABLE TRIGGER append_only')
      await edit('The door is shut.', 'The door is open.')
      assert.equal(await outcome('test.door'), 'error')
      await edit('The door is open.', 'The door is shut.')
      await client.query('ALTER TABLE proof.entry ENABLE ALWAYS TRIGGER append_only')
    })
    assert.equal(await outcome('test.door'), 'proven')
  })

  it('shows a record that was changed together with the hashes above it', async () => {
    await api.run('test.forged')
    const index = (await api.result('test.forged'))?.evidence?.index as number
    const whole = Buffer.from((await api.bundle(index)).entry, 'base64')
    const forged = Buffer.from(whole.toString().replace('shut.', 'open.'))
    const overwrite = (leaf: Buffer) =>
      platform.asSuperuser(databases.control, async (client) => {
        const tables = ['proof.entry', 'proof.node']
        for (const table of tables) await client.query(`ALTER TABLE ${table} DISABLE TRIGGER append_only`)
        await client.query('UPDATE proof.entry SET leaf = $2 WHERE index = $1', [index, leaf])
        await client.query('UPDATE proof.node SET hash = $2 WHERE level = 0 AND index = $1', [
          index,
          leafHash(leaf),
        ])
        for (const table of tables)
          await client.query(`ALTER TABLE ${table} ENABLE ALWAYS TRIGGER append_only`)
      })
    // A process that has not looked at the record yet.
    const fresh = await secondReader(platform)
    await overwrite(forged)
    fresh.register([forgeable])
    assert.equal((await fresh.result('test.forged'))?.outcome, 'error')
    assert.equal(await outcome('test.forged'), 'error')
    const { steps } = await verifyLog(readHere(platform), (await api.checkpoint())?.logKey as string)
    assert.deepEqual(
      steps.filter(({ ok }) => !ok).map(({ what }) => what),
      ['they are what the checkpoint signs, in this order'],
    )
    await overwrite(whole)
    assert.equal(await outcome('test.forged'), 'proven')
  })

  it('keeps its order when more append at once than there are connections', async () => {
    const { stores } = platform
    const before = (await api.checkpoint())?.note
    await Promise.all(many.map(({ key }) => api.run(key)))
    const indexes = await Promise.all(many.map(async ({ key }) => (await api.history(key, 1))[0]?.index))
    assert.equal(new Set(indexes).size, many.length)
    for (const index of indexes) assert.ok(verifyBundle(JSON.stringify(await api.bundle(index as number))).ok)
    assert.notEqual((await api.checkpoint())?.note, before)
    assert.deepEqual(await stores.ready(), { database: true, cache: true })
  })
})

const readHere =
  ({ stores }: TestPlatform) =>
  async (path: string) =>
    path === 'checkpoint'
      ? Buffer.from((await newestCheckpoint(stores.control)) as string)
      : readTile(stores.control, path.slice('tile/'.length))

/** The proof module of a process that only shows: no signing key, nothing remembered. */
async function secondReader({ stores }: TestPlatform): Promise<ProofApi> {
  const context = {
    settings: { profile: 'test', origin: 'trust.localhost/evidence' },
    clock: systemClock,
    log: createLog({ name: 'test', level: 'silent' }),
    build: 'test',
    program: { args: [], env: {}, release: '' },
    tenantMigrations: [],
  }
  return (await proof.start(context, { stores: { ...stores, sealer: null } })).api
}

describe('the log as anybody reads it', () => {
  let platform: TestPlatform
  let api: ProofApi
  let key: string
  before(async () => {
    platform = await testPlatform([proof])
    api = platform.api('proof') as ProofApi
    api.register([door])
    for (let i = 0; i < 3; i++) await api.run('test.door')
    key = (await api.checkpoint())?.logKey as string
  })
  after(() => platform?.stop())

  /** The log grown in memory, so that it is whole whatever other tests did to the one in the database. */
  const grown = async (records: readonly string[]): Promise<ReadLog> => {
    const leaves = records.map((record) => Buffer.from(record))
    const read = (level: number, index: number): Buffer =>
      level === 0
        ? leafHash(leaves[index] as Buffer)
        : nodeHash(read(level - 1, 2 * index), read(level - 1, 2 * index + 1))
    const signer = signerFromSeed('log.example/x', Buffer.alloc(32, 7))
    const note = signCheckpoint(
      { origin: signer.name, size: leaves.length, root: await rootHash(leaves.length, read) },
      signer,
    )
    return async (path) => {
      if (path === 'checkpoint') return Buffer.from(note)
      const index = Number(path.replace(/^tile\/entries\//, '').replace(/\.p.*/, ''))
      const bundle = leaves.slice(index * 256, index * 256 + 256)
      return Buffer.concat(bundle.flatMap((leaf) => [Buffer.of(leaf.length >> 8, leaf.length & 255), leaf]))
    }
  }
  const logKey = verifierKey(signerFromSeed('log.example/x', Buffer.alloc(32, 7)))
  const records = Array.from({ length: 600 }, (_, i) => `record ${i}`)

  it('verifies whole, and as the continuation of what was seen before', async () => {
    const earlier = (await (await grown(records.slice(0, 300)))('checkpoint')).toString()
    const { ok, steps } = await verifyLog(await grown(records), logKey, { earlier })
    assert.ok(ok, JSON.stringify(steps))
    assert.equal(steps.length, 6)
  })

  it('does not verify after a change, a removal or a cut, even when all of it is signed again', async () => {
    const earlier = (await (await grown(records.slice(0, 300)))('checkpoint')).toString()
    const changed = records.with(7, 'another')
    for (const forged of [changed, records.toSpliced(7, 1), records.slice(0, 299), records.toReversed()]) {
      const { ok, steps } = await verifyLog(await grown(forged), logKey, { earlier })
      assert.ok(!ok, JSON.stringify(steps))
    }
  })

  it('does not verify when any served byte is flipped', async () => {
    const whole = await grown(records.slice(0, 40))
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
        const read: ReadLog = async (path) => {
          const bytes = Buffer.from(await whole(path))
          if (path !== 'checkpoint') bytes[at % bytes.length] = (bytes[at % bytes.length] as number) ^ mask
          return bytes
        }
        const { ok } = await verifyLog(read, logKey).catch((error: { code?: string }) => {
          assert.equal(error.code, 'tile-not-found')
          return { ok: false }
        })
        assert.ok(!ok)
      }),
      { numRuns: 100 },
    )
  })

  it('is served in tiles of hashes and entries, each name in one way only', async () => {
    const read = readHere(platform)
    const size = Number((await read('checkpoint')).toString().split('\n')[1])
    const width = size % 256
    const tile = await read(`tile/0/${'000'}${size < 256 ? `.p/${width}` : ''}`)
    assert.equal(tile.length, 32 * Math.min(size, 256))
    for (const path of [
      '0/000',
      '0/0',
      '0/x000/000',
      '0/000.p/256',
      '0/000.p/01',
      '00/000',
      '64/000',
      'entries/../0',
    ])
      if (!(size >= 256 && path === '0/000'))
        await assert.rejects(read(`tile/${path}`), { code: 'tile-not-found' }, path)
    assert.equal(tilePath(0, 1_234_067, 256), '0/x001/x234/067')
  })

  it('needs no private key to be shown and checked', async () => {
    const reader = await secondReader(platform)
    assert.equal((await reader.checkpoint())?.logKey, key)
    reader.register([door])
    assert.notEqual((await reader.result('test.door'))?.outcome, 'never-run')
    await assert.rejects(reader.run('test.door'), { code: 'proof-read-only' })
  })
})
