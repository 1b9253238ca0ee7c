import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { systemClock } from '../src/kernel/clock.ts'
import { type EdgeApi, edge } from '../src/modules/edge/index.ts'
import type { ProofApi } from '../src/proof/api.ts'
import { tilePath } from '../src/proof/evidence/tiles.ts'
import { proof } from '../src/proof/index.ts'
import { measure } from '../src/proof/measure.ts'
import { type ServedWitness, serveWitness } from '../src/proof/witness/serve.ts'
import { type TestPlatform, testPlatform } from './support/platform.ts'

/** Where Debian's golang-golang-x-mod-dev puts its sources. */
const SOURCES = '/usr/share/gocode'
const skip =
  !(existsSync('/usr/bin/go') && existsSync(`${SOURCES}/src/golang.org/x/mod/sumdb`)) &&
  'needs Go and its package for transparency logs (apt-get install golang-go golang-golang-x-mod-dev)'

const trifle = measure({
  key: 'test.trifle',
  sources: [],
  family: 'review',
  maps: {},
  claim: { de: () => 'Eine Kleinigkeit.', en: () => 'A trifle.' },
  async prove({ check, positiveControl }) {
    positiveControl('seen', true, true)
    check('nothing', 0, 0)
  },
})

describe('the log, verified by an implementation that is not ours', { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'surety-go-'))
  let platform: TestPlatform
  let key: string
  let size: number
  let witness: ServedWitness

  before(async () => {
    const at = `unix:${join(folder, 'w')}`
    const witnessKeyPath = join(folder, 'witness-key.pub')
    platform = await testPlatform([proof, edge], { proof: { witness: at, witnessKeyPath } })
    const logKeyFiles = [join(platform.stores.secrets, 'log-key.pub')]
    const name = 'witness.example'
    witness = await serveWitness({ folder, listen: at, name, logKeyFiles, clock: systemClock })
    await platform.serve()
    const door = platform.api('edge') as EdgeApi
    const api = platform.api('proof') as ProofApi
    api.register([trifle])
    const download = async (path: string, file = path) => {
      const { status, bytes } = await door.request({ host: door.trustHost, path: `/log/${path}` })
      assert.equal(status, 200, path)
      mkdirSync(dirname(join(folder, file)), { recursive: true })
      writeFileSync(join(folder, file), bytes)
      return bytes.toString()
    }
    for (let i = 0; i < 3; i++) await api.run('test.trifle')
    await download('checkpoint', 'earlier')
    for (let i = 0; i < 8; i++) await api.run('test.trifle')
    size = Number((await download('checkpoint')).split('\n')[1])
    key = (await api.checkpoint())?.logKey as string
    for (let level = 0, width = size; width > 0; level++, width = Math.floor(width / 256))
      for (let first = 0; first < width; first += 256)
        await download(`tile/${tilePath(level, first / 256, Math.min(256, width - first))}`)
    for (const index of [0, Math.floor(size / 2), size - 1])
      writeFileSync(join(folder, `proof-${index}.json`), JSON.stringify(await api.bundle(index)))
  })
  after(async () => {
    await platform?.stop()
    await witness?.close()
    rmSync(folder, { recursive: true })
  })

  const verify = () =>
    execFileSync(
      'go',
      ['run', join(import.meta.dirname, 'independent/verify.go'), folder, key, witness.key],
      {
        encoding: 'utf8',
        env: {
          ...process.env,
          GO111MODULE: 'off',
          GOPATH: SOURCES,
          GOCACHE: join(tmpdir(), 'go-cache'),
          GOFLAGS: '',
        },
      },
    )

  it('accepts checkpoints, consistency and inclusion', () => {
    const printed = verify()
    assert.match(printed, new RegExp(`checkpoint verified at size ${size}\\n`))
    assert.match(printed, /cosignature verified\n/)
    assert.match(printed, /consistency verified from size \d+\n/)
    assert.match(printed, /inclusion verified of 3 records/)
  })

  it('refuses a changed tile', () => {
    const file = join(folder, `tile/${tilePath(0, 0, Math.min(256, size))}`)
    writeFileSync(file, Buffer.alloc(32 * Math.min(256, size), 1))
    assert.throws(verify, /FAILED/)
  })
})
