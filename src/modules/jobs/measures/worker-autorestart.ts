import { setTimeout as sleep } from 'node:timers/promises'
import { formatDuration } from '../../../kernel/duration.ts'
import type { Program } from '../../../kernel/module.ts'
import { RESTART_POLICY, type Supervised, supervise } from '../../../kernel/supervise.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import { begunKey, DRILL, doneKey, goKey } from '../drill.ts'
import { unkeptWorkers } from '../keeper.ts'
import type { Trial } from '../trial.ts'

interface Restart {
  /** Milliseconds from the crash until the job is in new hands. */
  within: number
}

/** For the first start of the probe's worker, in milliseconds. */
const START = 60_000
const LOOK_AGAIN = 100

/** LARA-19, CAST-55. Kills a worker of the probe's own; of those that are in use it asks who would start them again. */
export function workerAutorestart(
  { takeOver, prefix }: { takeOver: number; prefix: string },
  program: Program,
  openTrial: () => Promise<Trial>,
): Measure<Restart> {
  return measure<Restart>({
    key: 'worker.autorestart',
    sources: ['LARA-19', 'CAST-55'],
    family: 'availability',
    maps: { gdpr: ['32(1)(b)', '32(1)(c)'], iso27001: ['A.8.14'] },
    settings: { within: Math.ceil((takeOver + 30_000) / 1_000) * 1_000 },
    timeout: 300_000,
    claim: {
      de: ({ within }) =>
        `Ein Worker, der abstürzt, startet von selbst neu; die Aufgabe, an der er war, wird nach höchstens ${formatDuration(within, 'de').replace('Tage', 'Tagen')} neu begonnen und genau einmal abgeschlossen.`,
      en: ({ within }) =>
        `A worker that crashes starts again by itself; the job it was at is begun anew after ${formatDuration(within, 'en')} at most and completed exactly once.`,
    },
    async prove({ check, positiveControl, settings: { within }, signal }) {
      const trial = await openTrial()
      const worker = startWorker(program, trial.prefix)
      const list = (key: string) => trial.redis.lrange(key, 0, -1)
      const seen = (key: string, count: number, ms: number) =>
        until(async () => (await list(key)).length >= count, ms, signal)
      try {
        await trial.queues.add(DRILL, { tenant: null, data: trial.prefix }, {})
        await seen(begunKey(trial.prefix), 1, START)
        const first = worker.pid()
        const [holder] = await list(begunKey(trial.prefix))
        positiveControl('the job is with the worker that is killed', String(first), holder)
        if (first) process.kill(first, 'SIGKILL')
        await seen(begunKey(trial.prefix), 2, within)
        const [, successor] = await list(begunKey(trial.prefix))
        const second = worker.pid()
        check('a new worker runs', 'yes', second !== undefined && second !== first ? 'yes' : 'no')
        check('the job is with the new worker', 'yes', successor === String(second) ? 'yes' : 'no')
        await trial.redis.set(goKey(trial.prefix), 'yes')
        if (successor) await seen(doneKey(trial.prefix), 1, START)
        const done = await list(doneKey(trial.prefix))
        check('times that it was completed', 1, done.length)
        check('left in the queue', 0, await leftOver(trial))
      } finally {
        await worker.stop(2_000)
        await trial.close()
      }
      const openly = await openTrial()
      try {
        check('workers in use that nobody would start again', [], await unkeptWorkers(openly.redis, prefix))
      } finally {
        await openly.close()
      }
    },
  })
}

/** A worker as `surety up` keeps it, with the app role's credentials alone, at the probe's queues alone. */
function startWorker({ args, env }: Program, prefix: string): Supervised {
  const own = Object.entries(env).filter(([name]) => !/__(MIGRATOR|SEALER)_/.test(name))
  return supervise({
    name: 'worker of a probe',
    args: [...args, 'work', '--jobs-only'],
    env: { ...Object.fromEntries(own), SURETY_JOBS__PREFIX: prefix, LOG_LEVEL: 'silent' },
    log: () => undefined,
    restart: RESTART_POLICY,
  })
}

async function leftOver({ queues }: Trial): Promise<number> {
  const { waiting, delayed, dead } = await queues.counts(DRILL)
  return waiting + delayed + dead
}

async function until(condition: () => Promise<boolean>, ms: number, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + ms
  while (!signal.aborted && performance.now() < deadline && !(await condition())) await sleep(LOOK_AGAIN)
}
