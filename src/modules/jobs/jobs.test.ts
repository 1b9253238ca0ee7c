import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { killHard, startHolder, until } from '../../../test/support/holder.ts'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import { startRedis } from '../../data/local/redis.ts'
import { newId } from '../../kernel/ids.ts'
import { createLog } from '../../kernel/log.ts'
import { openQueueConnection } from './connections.ts'
import { type JobsApi, jobs, type RunningJob } from './index.ts'
import { openQueues } from './queues.ts'
import { settings } from './settings.ts'

const log = createLog({ name: 'test', level: 'silent' })

describe('jobs', () => {
  let platform: TestPlatform
  let api: JobsApi
  let act: (data: string, job: RunningJob) => Promise<void>
  const kind = 'test.kind'
  let queue: ReturnType<typeof define>
  const define = () =>
    api.define({ name: kind, data: z.string(), attempts: 2, run: (data, job) => act(data, job) })

  before(async () => {
    platform = await testPlatform([jobs], { jobs: { firstDelay: '20ms', prefix: `t${newId().slice(-12)}` } })
    api = platform.api('jobs') as JobsApi
    queue = define()
    await api.work()
  })
  after(() => platform?.stop())

  const died = async (id: string) => {
    for (;;) {
      const job = (await api.dead(100)).find((dead) => dead.id === id)
      if (job) return job
      await sleep(20)
    }
  }

  for (const model of ['rows', 'database'] as const)
    it(`run in their tenant's own context (${model})`, async () => {
      const tenant = await platform.makeTenant(model)
      const other = await platform.makeTenant(model)
      const { promise, resolve } = Promise.withResolvers<number>()
      const note = sql`INSERT INTO tenancy.canary (id, marker) VALUES (gen_random_uuid(), 'by a job')`
      act = async (_data, job) => {
        await job.tenant?.transaction((db) => db.execute(note))
        resolve(job.attempt)
      }
      await queue.add(tenant, 'write')
      assert.equal(await promise, 1)
      const markers = async ({ transaction }: typeof tenant) =>
        (await transaction((db) => db.execute(sql`SELECT marker FROM tenancy.canary`))).rows
      assert.deepEqual(await markers(tenant), [{ marker: 'by a job' }])
      assert.deepEqual(await markers(other), [])
    })

  it('are tried again, given up, and tried again by hand', async () => {
    const attempts: number[] = []
    act = async (_data, { attempt }) => {
      attempts.push(attempt)
      if (attempts.length < 3) throw new Error('not yet')
    }
    const id = await queue.add(null, 'stubborn')
    const dead = await died(id)
    assert.deepEqual([dead.attempts, dead.reason, dead.tenant], [2, 'not yet', null])
    await api.retry(kind, id)
    await until(() => attempts.length === 3)
    assert.deepEqual(attempts, [1, 2, 1])
    await assert.rejects(api.retry(kind, id), { code: 'job-not-dead' })
  })

  it('with an id are there once, and again after they died', async () => {
    const { promise: gate, resolve: open } = Promise.withResolvers<void>()
    let runs = 0
    act = async () => {
      runs += 1
      await gate
      if (runs < 3) throw new Error('fails twice')
    }
    const id = `evt-${newId()}`
    for (let i = 0; i < 20; i++) await queue.add(null, 'once', { id })
    open()
    await died(id)
    assert.equal(runs, 2)
    await Promise.all(Array.from({ length: 5 }, () => queue.add(null, 'once', { id })))
    await until(() => runs === 3)
    await assert.rejects(api.discard(kind, id), { code: 'job-not-dead' })
  })

  it('refuse data that they do not take', () =>
    assert.rejects(queue.add(null, 7 as unknown as string), z.ZodError))

  it('of a tenant that is gone are given up at once, and forgotten with it', async () => {
    act = async () => assert.fail('it must not run')
    const gone = { ...(await platform.makeTenant('rows')), id: newId() }
    const id = await queue.add(gone, 'orphan')
    const dead = await died(id)
    assert.match(dead.reason, /is gone/)
    assert.equal(await api.forget(newId()), 0)
    assert.equal(await api.forget(gone.id), 1)
    assert.deepEqual(
      (await api.dead(10)).filter((job) => job.id === id),
      [],
    )
  })

  it('show how far they are, and finish when the process drains', async () => {
    const { promise: gate, resolve: open } = Promise.withResolvers<void>()
    let finished = false
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
    act = async (_data, { progress }) => {
      await progress(1, 2)
      begin()
      await gate
      finished = true
    }
    const id = await queue.add(null, 'long')
    await begun
    const [counts] = await api.counts()
    assert.deepEqual([counts?.running, counts?.progress], [1, [{ id, tenant: null, done: 1, total: 2 }]])
    const drained = api.drain(60_000)
    open()
    await drained
    assert.ok(finished)
  })

  it('that outlast the patience are put back, and the attempt is not counted', async () => {
    const seen: number[] = []
    act = async (_data, { signal, attempt }) => {
      seen.push(attempt)
      if (seen.length === 1) await sleep(600_000, undefined, { signal })
    }
    await api.work()
    await queue.add(null, 'endless')
    await until(() => seen.length === 1)
    await api.drain(10)
    const [counts] = await api.counts()
    assert.deepEqual([counts?.waiting, counts?.running, counts?.dead], [1, 0, 0])
    await api.work()
    await until(() => seen.length === 2)
    assert.deepEqual(seen, [1, 1])
  })
})

describe('a queue without Redis', () => {
  const parsed = settings.parse({ waitFor: '100ms' })

  it('refuses when Redis was never there', async () => {
    const redis = openQueueConnection({ path: '/nowhere/redis.sock' }, log)
    const queues = openQueues(redis, parsed)
    const envelope = { tenant: null, data: 1 }
    await assert.rejects(queues.add('test.away', envelope, {}), { code: 'jobs-unavailable' })
    await assert.rejects(queues.dead('test.away', 1), { code: 'jobs-unavailable' })
    redis.disconnect()
  })

  it('refuses when Redis went away, does not add it later, and goes on when Redis is back', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'jobs-'))
    const start = () => startRedis({ dir, settings: { appendfsync: 'always' }, log: () => undefined })
    let server = await start()
    const redis = openQueueConnection({ path: server.path, password: server.password }, log)
    const queues = openQueues(redis, { ...parsed, waitFor: 10_000 })
    const add = (data: string) => queues.add('test.away', { tenant: null, data }, {})
    try {
      await add('first')
      await server.kill()
      const hasty = openQueues(redis, parsed)
      await assert.rejects(hasty.add('test.away', { tenant: null, data: 'refused' }, {}), {
        code: 'jobs-unavailable',
      })
      server = await start()
      await add('second')
      assert.deepEqual((await queues.waiting('test.away')).sort(), ['first', 'second'])
    } finally {
      redis.disconnect()
      await server.stop()
      await rm(dir, { recursive: true })
    }
  })

  it('lets a process that runs jobs end', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'jobs-'))
    const server = await startRedis({ dir, log: () => undefined })
    const redis = openQueueConnection({ path: server.path, password: server.password }, log)
    await openQueues(redis, parsed).add('test.away', { tenant: null, data: server.pid }, {})
    // A process of its own, as after it BullMQ still waits for what it cannot say any more.
    const { process: worker, firstLine } = await startHolder(WORKER, [server.path, server.password])
    assert.equal(firstLine, 'drained')
    await killHard(worker)
    redis.disconnect()
    await rm(dir, { recursive: true })
  })
})

const urlOf = (file: string) => JSON.stringify(new URL(file, import.meta.url).href)

/** Runs a job that kills its Redis, then drains. */
const WORKER = `
import { z } from 'zod'
import { createLog } from ${urlOf('../../kernel/log.ts')}
import { settings } from ${urlOf('./settings.ts')}
import { startWorkers } from ${urlOf('./workers.ts')}
const [path, password] = process.argv.slice(1)
const { promise, resolve } = Promise.withResolvers()
const run = async (pid) => resolve(process.kill(pid, 'SIGKILL'))
const kinds = [{ name: 'test.away', data: z.number(), run }]
const workers = await startWorkers(kinds, [], {
  address: { path, password },
  settings: settings.parse({ waitFor: '100ms' }),
  bySlug: () => undefined,
  log: createLog({ name: 'worker', level: 'silent' }),
})
await promise
await workers.drain(100)
console.log('drained')
`
