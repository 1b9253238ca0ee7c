import { Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { z } from 'zod'
import { newId } from '../src/kernel/ids.ts'
import { type JobsApi, jobs } from '../src/modules/jobs/index.ts'
import { type TestPlatform, testPlatform } from '../test/support/platform.ts'
import { testRedis } from '../test/support/servers.ts'
import { compare, type Print, printFigures } from './compare.ts'

const CLIENTS = 16
const CONCURRENCY = 16
const JOBS = 4_000
const ROUNDS = 5

/** Adding and running jobs against bare BullMQ with the same options, on the same Redis. */
export async function run(print: Print): Promise<void> {
  const platform = await testPlatform([jobs], { jobs: { prefix: 'bench' } })
  const connection = new Redis({ ...testRedis(), maxRetriesPerRequest: null })
  try {
    await adding(print, platform, connection)
    await running(print, platform, connection)
  } finally {
    await platform.stop()
    connection.disconnect()
  }
}

const OPTIONS = {
  attempts: 5,
  backoff: { type: 'exponential', delay: 1_000, jitter: 0.25 },
  removeOnComplete: true,
  removeOnFail: { age: 86_400 },
}

async function adding(print: Print, platform: TestPlatform, connection: Redis): Promise<void> {
  const bare = new Queue('bare', { connection, prefix: 'bench-bare' })
  await bare.waitUntilReady()
  const ours = (platform.api('jobs') as JobsApi).define({
    name: 'bench.add',
    data: z.object({ id: z.string() }),
    run: async () => undefined,
  })
  const tenant = await platform.makeTenant('rows')
  const figures = await compare(
    {
      'bare BullMQ': () => bare.add('add', { id: 'one' }, { ...OPTIONS, jobId: newId() }),
      'a job of the deployment': () => ours.add(null, { id: 'one' }),
      'a job of a tenant': () => ours.add(tenant, { id: 'one' }),
      'with an id of the caller': () => ours.add(tenant, { id: 'one' }, { id: `evt-${newId()}` }),
    },
    CLIENTS,
  )
  printFigures(print, `adding, ${CLIENTS} at a time`, figures)
  await bare.obliterate({ force: true })
  await bare.close()
}

async function running(print: Print, platform: TestPlatform, connection: Redis): Promise<void> {
  const api = platform.api('jobs') as JobsApi
  const tenant = await platform.makeTenant('rows')
  let left = 0
  let finish: () => void = () => undefined
  const done = async () => {
    left -= 1
    if (left === 0) finish()
  }
  const ours = api.define({
    name: 'bench.run',
    data: z.object({ n: z.number() }),
    concurrency: CONCURRENCY,
    run: done,
  })
  const bare = new Queue('bare', { connection, prefix: 'bench-bare' })
  const all = Array.from({ length: JOBS }, (_, n) => n)
  const rates = new Map<string, { perSecond: number; cpu: number }[]>()
  /** Fills a queue, then times how long it takes to work it off. */
  const time = async (
    name: string,
    fill: (n: number) => Promise<unknown>,
    work: () => Promise<() => unknown>,
  ) => {
    for (let from = 0; from < JOBS; from += 200) await Promise.all(all.slice(from, from + 200).map(fill))
    left = JOBS
    const ended = new Promise<void>((resolve) => {
      finish = resolve
    })
    const began = performance.now()
    const cpu = process.cpuUsage()
    const stop = await work()
    await ended
    const { user, system } = process.cpuUsage(cpu)
    const seen = { perSecond: (JOBS / (performance.now() - began)) * 1_000, cpu: (user + system) / JOBS }
    rates.set(name, [...(rates.get(name) ?? []), seen])
    await stop()
  }
  const workBare = async () => {
    const worker = new Worker('bare', done, { connection, prefix: 'bench-bare', concurrency: CONCURRENCY })
    return () => worker.close()
  }
  const workOurs = async () => {
    await api.work()
    return () => api.drain(10_000)
  }
  for (let round = 0; round < ROUNDS; round++) {
    await time('bare BullMQ', (n) => bare.add('run', { n }, { ...OPTIONS, jobId: newId() }), workBare)
    await time('jobs of the deployment', (n) => ours.add(null, { n }), workOurs)
    await time("jobs in a tenant's context", (n) => ours.add(tenant, { n }), workOurs)
  }
  await bare.close()
  print(
    `\nrunning ${JOBS} jobs that do nothing, ${CONCURRENCY} at a time (best of ${ROUNDS}; µs of this process's CPU)`,
  )
  const best = [...rates].map(([name, seen]) => ({
    name,
    perSecond: Math.max(...seen.map((one) => one.perSecond)),
    cpu: Math.min(...seen.map((one) => one.cpu)),
  }))
  const [first] = best
  for (const { name, perSecond, cpu } of best)
    print(
      `  ${name.padEnd(34)}${Math.round(perSecond).toString().padStart(8)} jobs/s${(perSecond / (first?.perSecond ?? 1)).toFixed(2).padStart(7)}${Math.round(cpu).toString().padStart(6)} µs${(cpu / (first?.cpu ?? 1)).toFixed(2).padStart(7)}`,
    )
}
