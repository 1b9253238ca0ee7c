import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { ownPostgres } from '../../../test/support/ownPostgres.ts'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { databases } from '../../data/roles.ts'
import { systemClock } from '../../kernel/clock.ts'
import type { ProofApi } from '../api.ts'
import { newestCheckpoint } from '../evidence/log.ts'
import { readTile } from '../evidence/tiles.ts'
import { verifyLog } from '../evidence/verifyLog.ts'
import { proof } from '../index.ts'
import { measure } from '../measure.ts'
import { cosignedAt } from './cosignature.ts'
import { pushCheckpoint } from './push.ts'
import { type ServedWitness, serveWitness } from './serve.ts'

const door = measure({
  key: 'test.witnessed',
  sources: [],
  family: 'review',
  maps: {},
  claim: { de: () => 'Eine Tür.', en: () => 'A door.' },
  async prove({ check, positiveControl }) {
    positiveControl('seen', true, true)
    check('closed', true, true)
  },
})

describe('a log with a witness', () => {
  const folder = mkdtempSync(join(tmpdir(), 'witness-'))
  const socket = join(folder, 'w')
  let witness: ServedWitness
  let platform: TestPlatform
  let api: ProofApi
  let end: () => Promise<void>
  before(async () => {
    end = await ownPostgres()
    platform = await testPlatform([proof], {
      proof: {
        witness: `unix:${socket}`,
        witnessKeyPath: join(folder, 'witness-key.pub'),
      },
    })
    api = platform.api('proof') as ProofApi
    api.register([door])
    witness = await serveWitness({
      folder,
      listen: `unix:${socket}`,
      name: 'witness.example',
      logKeyFiles: [join(platform.stores.secrets, 'log-key.pub')],
      clock: systemClock,
    })
  })
  after(async () => {
    await platform?.stop()
    await witness?.close()
    await end?.()
    rmSync(folder, { recursive: true, force: true })
  })

  const read = async (path: string) =>
    path === 'checkpoint'
      ? Buffer.from((await newestCheckpoint(platform.stores.control)) as string)
      : readTile(platform.stores.control, path.slice('tile/'.length))
  const verify = async () => {
    const trusted = { key: witness.key, address: `unix:${socket}`, now: new Date() }
    const { logKey } = (await api.checkpoint()) as { logKey: string }
    const { steps } = await verifyLog(read, logKey, { witness: trusted })
    return steps.filter(({ ok }) => !ok).map(({ what }) => what)
  }

  test('is cosigned with each record, and verifies with the word of the witness', async () => {
    for (let i = 0; i < 3; i++) await api.run('test.witnessed')
    assert.deepEqual(await verify(), [])
    const checkpoint = await api.checkpoint()
    assert.equal(checkpoint?.witnessKey, witness.key)
    assert.ok(cosignedAt(checkpoint?.note ?? '', witness.key))
  })

  test('goes on while the witness is away, and is cosigned when it is back', async () => {
    await witness.close()
    rmSync(socket, { force: true })
    assert.equal((await api.run('test.witnessed')).outcome, 'proven')
    const checkpoint = await api.checkpoint()
    assert.equal(cosignedAt(checkpoint?.note ?? '', witness.key), undefined)
    const logKeyFiles = [join(platform.stores.secrets, 'log-key.pub')]
    const listen = `unix:${socket}`
    witness = await serveWitness({ folder, listen, name: 'witness.example', logKeyFiles, clock: systemClock })
    await api.run('test.witnessed')
    assert.deepEqual(await verify(), [])
  })

  test('may be shown to the witness by two processes at once, or again after a crash', async () => {
    await api.run('test.witnessed')
    await platform.asSuperuser(databases.control, (client) =>
      client.query(`ALTER TABLE proof.cosignature DISABLE TRIGGER ALL;
        DELETE FROM proof.cosignature WHERE size = (SELECT max(size) FROM proof.cosignature);
        ALTER TABLE proof.cosignature ENABLE TRIGGER ALL;
        ALTER TABLE proof.cosignature ENABLE ALWAYS TRIGGER append_only`),
    )
    const checkpoint = async () => (await api.checkpoint())?.note ?? ''
    assert.equal(cosignedAt(await checkpoint(), witness.key), undefined)
    const there = { address: `unix:${socket}`, key: witness.key }
    const { sealer } = platform.stores
    await Promise.all([pushCheckpoint(sealer, there), pushCheckpoint(sealer, there)])
    assert.ok(cosignedAt(await checkpoint(), witness.key))
  })

  test('cannot be cut back: a superuser with the key of the log is found out', async () => {
    for (let i = 0; i < 4; i++) await api.run('test.witnessed')
    assert.deepEqual(await verify(), [])
    await cutBack(platform, 3)
    const afterCut = await verify()
    assert.ok(
      afterCut.some((what) => /has seen nothing else: it has seen \d+ records, \d+ are served/.test(what)),
      afterCut.join('; '),
    )
    // Growing again beyond the old size does not help: the new records are others.
    for (let i = 0; i < 6; i++) await api.run('test.witnessed')
    const grown = await verify()
    assert.ok(
      grown.some((what) => /cosigned the checkpoint/.test(what)),
      grown.join('; '),
    )
    assert.ok(readFileSync(join(folder, 'witness-key.pub'), 'utf8').startsWith('witness.example+'))
  })
})

/** Removes the newest `count` records with all that belongs to them: every trigger off, as only a superuser can. */
async function cutBack(platform: TestPlatform, count: number): Promise<void> {
  await platform.asSuperuser(databases.control, async (client) => {
    const { rows } = await client.query('SELECT max(index) + 1 - $1::int AS size FROM proof.entry', [count])
    const size = Number(rows[0].size)
    const tables = ['entry', 'node', 'checkpoint', 'cosignature'].map((name) => `proof.${name}`)
    for (const table of tables) await client.query(`ALTER TABLE ${table} DISABLE TRIGGER ALL`)
    await client.query('DELETE FROM proof.cosignature WHERE size > $1', [size])
    await client.query('DELETE FROM proof.checkpoint WHERE size > $1', [size])
    await client.query('DELETE FROM proof.node WHERE (index + 1) * (2 ^ level) > $1', [size])
    await client.query('DELETE FROM proof.entry WHERE index >= $1', [size])
    for (const table of tables)
      await client.query(
        `ALTER TABLE ${table} ENABLE TRIGGER ALL; ALTER TABLE ${table} ENABLE ALWAYS TRIGGER append_only`,
      )
  })
}
