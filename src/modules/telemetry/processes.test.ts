import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { hostname } from 'node:os'
import { after, before, it } from 'node:test'
import { Redis } from 'ioredis'
import { testRedis } from '../../../test/support/servers.ts'
import { shiftedClock, systemClock } from '../../kernel/clock.ts'
import { newId } from '../../kernel/ids.ts'
import { openProcesses } from './processes.ts'

let redis: Redis
before(() => {
  redis = new Redis(testRedis())
})
after(() => redis.disconnect())

const open = (prefix = `test-${newId()}`, ahead = 0) =>
  openProcesses(redis, shiftedClock(systemClock, ahead), prefix)
const serving = (pid: number, host = hostname()) => ({ kind: 'serve', host, pid, build: 'a' })

it('a process is there until it takes its leave', async () => {
  const processes = open()
  await processes.beat(serving(process.pid))
  await processes.beat({ ...serving(process.pid), kind: 'work', build: 'b' })
  assert.deepEqual(
    (await processes.live()).map(({ kind, build }) => `${kind} ${build}`),
    ['serve a', 'work b'],
  )
  await processes.leave(serving(process.pid))
  assert.equal((await processes.live()).length, 1)
  await processes.clear()
})

it('one of this machine that was killed is not there, whatever it said before', async () => {
  const processes = open()
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'])
  await processes.beat(serving(child.pid as number))
  assert.equal((await processes.live()).length, 1)
  child.kill('SIGKILL')
  await once(child, 'exit')
  assert.deepEqual(await processes.live(), [])
  await processes.clear()
})

it('one of another machine is there as long as it is heard of', async () => {
  const prefix = `test-${newId()}`
  await open(prefix).beat(serving(1, 'elsewhere'))
  assert.equal((await open(prefix, 20_000).live()).length, 1)
  assert.equal((await open(prefix, 30_000).live()).length, 0)
  await open(prefix).clear()
})
