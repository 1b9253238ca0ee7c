import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { moduleArgs } from '../../../test/support/fast.ts'
import { until } from '../../../test/support/holder.ts'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { createLog } from '../../kernel/log.ts'
import type { Tenant } from '../tenancy/index.ts'
import { media, whyNoKernelWall } from './index.ts'
import { behindKernel } from './kernelWall.ts'
import { underPermissions } from './permissions.ts'
import { openRun, type Run } from './run.ts'
import { openTurns } from './turns.ts'

const obey = new URL('./test-workers/obey.ts', import.meta.url)
const weigh = new URL('./test-workers/weigh.ts', import.meta.url)
const answer = z.unknown()
const why = await whyNoKernelWall()

const log = createLog({ name: 'test', level: 'silent' })
let platform: TestPlatform
let tenant: Tenant
before(async () => {
  platform = await testPlatform([media])
  tenant = await platform.makeTenant('rows')
})
after(() => platform?.stop())

for (const [wall, kernel] of [
  ['the kernel’s wall', behindKernel],
  ['Node’s permissions alone', null],
] as const) {
  describe(`a worker behind ${wall}`, { skip: (kernel && why) ?? false }, () => {
    let run: Run
    before(() => {
      const { stores } = platform
      const ending = new AbortController().signal
      const walls = { permissions: underPermissions, kernel }
      const secrets = [stores.files, stores.secrets]
      run = openRun({ walls, turns: openTurns(2), secrets, ending, log })
    })
    const tell = (order: string, more: { timeout?: number; memory?: number; signal?: AbortSignal } = {}) =>
      run(tenant, { worker: obey, input: order, answer, ...more })
    it('gets whatever can be cloned and gives JSON that fits its schema', async () => {
      const input = { bytes: Buffer.from([1, 2, 3]), at: new Date('2027-01-02'), words: new Map([['a', 1]]) }
      const told = await run(tenant, { worker: weigh, input, answer: z.object({ sum: z.number() }) })
      assert.deepEqual(told, { sum: 6 })
      await assert.rejects(run(tenant, { worker: weigh, input, answer: z.object({ sum: z.string() }) }), {
        code: 'sandbox-answer',
        status: 422,
      })
    })

    it('reads the files that it is handed', async () => {
      await tenant.files.write('a/one', [Buffer.from('first')])
      await tenant.files.write('two', [Buffer.from('second')])
      const files = ['a/one', 'two']
      const told = await run(tenant, { worker: obey, input: 'read the files', files, answer })
      assert.deepEqual(told, { 'a/one': 'first', two: 'second' })
      await assert.rejects(run(tenant, { worker: obey, input: '', files: ['none'], answer }), {
        code: 'file-not-found',
      })
      await assert.rejects(run(tenant, { worker: obey, input: '', files: ['../x'], answer }), {
        code: 'file-path',
      })
    })

    for (const [order, code, more] of [
      ['never end', 'sandbox-timeout', { timeout: 300 }],
      ['wait forever', 'sandbox-timeout', { timeout: 300 }],
      ['fill the heap', 'sandbox-memory', { memory: 32 }],
      ['fill the memory', 'sandbox-memory', { memory: 32 }],
      ['leave', 'sandbox-died', {}],
      ['answer at length', 'sandbox-answer', {}],
      ['write a large file', 'sandbox-worker', {}],
    ] as const)
      it(`that is to ${order} ends with ${code}`, () =>
        assert.rejects(tell(order, more), { code, status: 422 }))

    it('that throws is heard, without what would spoil a line', () =>
      assert.rejects(tell('throw'), { code: 'sandbox-worker', message: 'no picture' }))

    it('may answer nothing, and print', async () => {
      assert.equal(await tell('answer nothing'), null)
      assert.equal(await tell('print something'), null)
    })

    it('finds nothing of the one before it', async () => {
      assert.equal(await tell('leave a file behind'), false)
      assert.equal(await tell('leave a file behind'), false)
    })

    it('ends when it is no longer wanted, running or waiting, and makes room', async () => {
      const stopped = new Error('stopped')
      const signals = [1, 2, 3].map(() => new AbortController())
      const calls = Promise.allSettled(signals.map(({ signal }) => tell('wait forever', { signal })))
      await sleep(200)
      for (const one of signals) one.abort(stopped)
      assert.deepEqual(await calls, Array(3).fill({ status: 'rejected', reason: stopped }))
      assert.equal(await tell('answer nothing'), null)
    })

    it('may not lie where it would see secrets', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'place-'))
      const secrets = platform.stores.secrets
      const worker = pathToFileURL(join(secrets, '..', 'worker.mjs'))
      writeFileSync(worker, 'export default () => 1')
      await assert.rejects(run(tenant, { worker, answer }), { code: 'sandbox-worker-place' })
      rmSync(worker)
      mkdirSync(join(folder, 'apart'))
      const apart = pathToFileURL(join(folder, 'apart/worker.mjs'))
      writeFileSync(apart, 'export default () => 1')
      assert.equal(await run(tenant, { worker: apart, answer }), 1)
      rmSync(folder, { recursive: true })
    })
  })
}

it(
  'the kernel’s wall stands wherever bubblewrap can make namespaces',
  {
    skip: whyNot(
      'bwrap',
      '--unshare-all',
      '--unshare-user',
      '--disable-userns',
      '--ro-bind',
      '/',
      '/',
      'true',
    ),
  },
  () => assert.equal(why, null),
)

describe('the kernel’s wall', { skip: why ?? false }, () => {
  it('falls with who built it, also by kill -9', async () => {
    const source = `
      import { behindKernel } from '${new URL('./kernelWall.ts', import.meta.url)}'
      import { underPermissions } from '${new URL('./permissions.ts', import.meta.url)}'
      import { runWorker } from '${new URL('./worker.ts', import.meta.url)}'
      const walls = { permissions: underPermissions, kernel: behindKernel }
      const call = { input: 'never end', files: {}, timeout: 60_000, memory: 77, secrets: [] }
      await runWorker(walls, { ...call, worker: new URL('${obey}'), signal: new AbortController().signal })`
    const builder = spawn(process.execPath, moduleArgs(source), { stdio: 'ignore' })
    const workers = () => processesWith('--max-old-space-size=77')
    await until(() => workers().length >= 2)
    builder.kill('SIGKILL')
    await once(builder, 'exit')
    await until(() => workers().length === 0)
  })

  const readOnly = 'mount --bind /proc/sys /proc/sys && mount -o remount,ro,bind /proc/sys && exec "$@"'
  const inside = ['--mount', 'sh', '-c', readOnly, 'sh', process.execPath]
  it('is missed at the start, with what to do', { skip: whyNot('unshare', '--mount', 'true') }, () => {
    const source = `
      import { media } from '${new URL('./index.ts', import.meta.url)}'
      await media.start({ settings: { sandbox: 'kernel' } }, { stores: {}, tenancy: {}, vault: {} })
        .catch((error) => console.log(error.code, error.message))`
    const told = execFileSync('unshare', [...inside, ...moduleArgs(source)], { encoding: 'utf8' })
    assert.match(told, /^sandbox-unavailable bubblewrap does not work: .*Read-only.*"runtime"/s)
  })
})

function processesWith(word: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(word)
      } catch {
        return false
      }
    })
}

/** The reason for which `command` cannot be used here, or false. */
function whyNot(command: string, ...args: string[]): string | false {
  try {
    execFileSync(command, args, { stdio: 'pipe' })
    return false
  } catch {
    return `not permitted here: ${command} ${args.join(' ')}`
  }
}
