import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../test/support/platform.ts'
import { databases } from '../data/roles.ts'
import type { ProofApi } from './api.ts'
import { verifyBundle } from './evidence/verify.ts'
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
const short = measure({ ...door, key: 'test.short', freshFor: 0 })

describe('a status comes from evidence alone', () => {
  let platform: TestPlatform
  let api: ProofApi
  const outcome = async (key: string) => (await api.result(key))?.outcome

  before(async () => {
    platform = await testPlatform([proof])
    api = platform.api('proof') as ProofApi
    api.register([door, uncontrolled, blind, hidden, slow, short])
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

  it('keeps its order when many append at once', async () => {
    await Promise.all(Array.from({ length: 6 }, () => api.run('test.door')))
    const newest = await api.history('test.door', 6)
    const { ok } = verifyBundle(JSON.stringify(await api.bundle(newest[5]?.index as number)))
    assert.ok(ok)
  })
})
