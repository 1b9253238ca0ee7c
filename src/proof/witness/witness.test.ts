import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../../kernel/clock.ts'
import { COSIGNATURE, signCheckpoint, signerFromSeed, verifierKey } from '../evidence/checkpoint.ts'
import { consistencyProof, leafHash, rootHash } from '../evidence/merkle.ts'
import { memoryReader } from '../evidence/verifyLog.ts'
import { addCheckpointRequest, askWitness } from './ask.ts'
import { cosign, cosignedAt } from './cosignature.ts'
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
