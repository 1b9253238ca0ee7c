import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Program } from '../../kernel/module.ts'
import type { Drill } from '../jobs/index.ts'

/** A worker of a probe's own that has a job in hand. */
export interface WorkerAtJob {
  drill: Drill
  signal(name: 'SIGTERM'): void
  /** Exit code, or null after `ms` milliseconds. */
  ended(ms: number): Promise<number | null>
  /** Ends it whatever it does, and removes the job. */
  stop(): Promise<void>
}

export type StartWorkerAtJob = () => Promise<WorkerAtJob>

const START_MS = 60_000

/** Starts it with this deployment's settings but only the app role's credentials, at queues of its own. */
export async function startWorkerAtJob(
  { args, env }: Program,
  openDrill: () => Promise<Drill>,
): Promise<WorkerAtJob> {
  const drill = await openDrill()
  const own = Object.entries(env).filter(([name]) => !/__(MIGRATOR|SEALER)_/.test(name))
  const child = spawn(process.execPath, [...args, 'work', '--jobs-only'], {
    env: { ...Object.fromEntries(own), SURETY_JOBS__PREFIX: drill.prefix, LOG_LEVEL: 'silent' },
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  const exited = once(child, 'exit') as Promise<[number | null]>
  const worker: WorkerAtJob = {
    drill,
    signal: (name) => void child.kill(name),
    async ended(ms) {
      const { promise: late, resolve } = Promise.withResolvers<[null]>()
      const timer = setTimeout(() => resolve([null]), ms)
      const [code] = await Promise.race([exited, late])
      clearTimeout(timer)
      return code
    },
    async stop() {
      child.kill('SIGKILL')
      await exited
      await drill.close()
    },
  }
  const [holder] = await drill.begun(1, START_MS)
  if (holder === child.pid) return worker
  await worker.stop()
  throw new Error(`The worker did not take its job within ${START_MS} ms.`)
}
