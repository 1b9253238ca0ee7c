import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { databases } from '../../data/roles.ts'
import { type Clock, systemClock } from '../../kernel/clock.ts'
import type { ProofApi } from '../api.ts'
import { COSIGNATURE, signCheckpoint, signerFromSeed, verifierKey } from '../evidence/checkpoint.ts'
import { newestCheckpoint } from '../evidence/log.ts'
import { consistencyProof, leafHash, rootHash } from '../evidence/merkle.ts'
import { readTile } from '../evidence/tiles.ts'
import { memoryReader, verifyLog } from '../evidence/verifyLog.ts'
import { proof } from '../index.ts'
import { measure } from '../measure.ts'
import { addCheckpointRequest, askWitness } from './ask.ts'
import { cosign, cosignedAt } from './cosignature.ts'
import { type ServedWitness, serveWitness } from './serve.ts'
import { openWitness } from './witness.ts'

const signer = signerFromSeed('log.example/x', Buffer.alloc(32, 7))
const witnessSigner = signerFromSeed('witness.example', Buffer.alloc(32, 8))
const witnessKey = verifierKey(witnessSigner, COSIGNATURE)
const clock: Clock = { now: () => new Date('2030-01-01T12:00:00Z') }

const folders: string[] = []
const newFolder = () => {
  const folder = mkdtempSync(join(tmpdir(), 'witness-'))
  folders.push(folder)
  return folder
}
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** A log in memory: checkpoints of any size, and proofs between them. */
function logOf(text = 'record', by = signer) {
  const read = memoryReader(Array.from({ length: 200 }, (_, i) => leafHash(Buffer.from(`${text} ${i}`))))
  const note = async (size: number) =>
    signCheckpoint({ origin: by.name, size, root: await rootHash(size, read) }, by)
  return {
    note,
    request: async (old: number, size: number) =>
      addCheckpointRequest(old, await consistencyProof(old, size, read), await note(size)),
  }
}

const open = (folder = newFolder()) =>
  openWitness({ folder, signer: witnessSigner, logKeys: () => [verifierKey(signer)], clock })

describe('a witness', () => {
  const log = logOf()

  test('cosigns the first checkpoint and every one that continues it, and says when', async () => {
    const witness = open()
    for (const [old, size] of [
      [0, 3],
      [3, 3],
      [3, 8],
      [8, 150],
    ] as const) {
      const { status, body } = witness.addCheckpoint(await log.request(old, size))
      assert.equal(status, 200, body)
      assert.deepEqual(cosignedAt(`${await log.note(size)}${body}`, witnessKey), clock.now())
    }
  })

  test('refuses what the protocol tells it to refuse, with the status that it names', async () => {
    const witness = open()
    assert.equal(witness.addCheckpoint(await log.request(0, 10)).status, 200)
    const other = logOf('other')
    const stranger = logOf('record', signerFromSeed('log.example/y', Buffer.alloc(32, 9)))
    const forger = logOf('record', signerFromSeed('log.example/x', Buffer.alloc(32, 9)))
    const status = async (request: Promise<string> | string) => witness.addCheckpoint(await request).status
    assert.equal(await status(stranger.request(10, 20)), 404)
    assert.equal(await status(forger.request(10, 20)), 403)
    assert.equal(await status((await log.request(10, 10)).replace('old 10', 'old 11')), 400)
    assert.equal(await status(other.request(10, 20)), 422)
    assert.equal(await status((await log.request(10, 20)).replace(/\n.{44}\n/, '\n')), 422)
    for (const text of ['', 'old 10\n', 'old 010\n\nx', 'old 1\n\nnot a note', 'old -1\n\n'])
      assert.equal(await status(text), 400, text)
    const conflicts = [log.request(0, 20), log.request(5, 20), log.request(5, 9), other.request(10, 10)]
    for (const request of conflicts) {
      const answer = witness.addCheckpoint(await request)
      assert.deepEqual(answer, { status: 409, type: 'text/x.tlog.size', body: '10\n' })
    }
    assert.equal(await status(log.request(10, 20)), 200)
  })

  test('an old cosignature is not one for another checkpoint, and no other key makes one', async () => {
    const [small, large] = [await log.note(5), await log.note(6)]
    const line = cosign(small, witnessSigner, clock.now())
    assert.ok(cosignedAt(small + line, witnessKey))
    assert.equal(cosignedAt(large + line, witnessKey), undefined)
    const other = verifierKey(signerFromSeed('witness.example', Buffer.alloc(32, 1)), COSIGNATURE)
    assert.equal(cosignedAt(small + line, other), undefined)
  })

  test('does not begin anew when what it remembers cannot be read', async () => {
    const folder = newFolder()
    open(folder).addCheckpoint(await log.request(0, 10))
    const [file] = readdirSync(folder)
    writeFileSync(join(folder, file as string), 'torn')
    await assert.rejects(
      async () => open(folder).addCheckpoint(await log.request(0, 5)),
      /nothing of it is cosigned/,
    )
  })
})

test('a witness killed at any moment never goes back behind what it cosigned', async () => {
  const folder = newFolder()
  writeFileSync(join(folder, 'log.pub'), verifierKey(signer))
  const socket = join(folder, 's')
  const main = join(import.meta.dirname, '../../cli/main.ts')
  const args = [
    'witness',
    '--folder',
    folder,
    '--listen',
    `unix:${socket}`,
    '--log-key',
    join(folder, 'log.pub'),
  ]
  const log = logOf()
  let cosigned = 0
  for (let round = 0; round < 3; round++) {
    rmSync(socket, { force: true })
    const child = spawn(process.execPath, [main, ...args], { stdio: 'ignore' })
    while (!existsSync(socket)) await sleep(20)
    const old = await askWitness(`unix:${socket}`, await log.request(0, 1))
    if (round > 0) assert.ok(Number(old.body) >= cosigned, `${old.body} < ${cosigned}`)
    cosigned = round === 0 ? 1 : Number(old.body)
    // Many at once; the kill falls somewhere among them.
    const ended = once(child, 'exit')
    setTimeout(() => child.kill('SIGKILL'), 5 + round * 7)
    for (;;) {
      const answer = await askWitness(`unix:${socket}`, await log.request(cosigned, cosigned + 1)).catch(
        () => null,
      )
      if (answer === null) break
      assert.equal(answer.status, 200)
      cosigned += 1
    }
    await ended
  }
})

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
  const folder = newFolder()
  const socket = join(folder, 'w')
  let witness: ServedWitness
  let platform: TestPlatform
  let api: ProofApi
  before(async () => {
    platform = await testPlatform([proof], {
      proof: {
        origin: 'witnessed.example/log',
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
