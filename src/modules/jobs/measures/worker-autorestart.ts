import type { Redis } from 'ioredis'
import { formatDuration } from '../../../kernel/duration.ts'
import type { Program } from '../../../kernel/module.ts'
import { RESTART_POLICY, type Supervised, supervise } from '../../../kernel/supervise.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import { openDrill } from '../drill.ts'
import { unkeptWorkers } from '../keeper.ts'
import type { Trial } from '../trial.ts'

interface Restart {
  /** Milliseconds from the crash until the job is in new hands. */
  within: number
}

/** For the first start of the probe's worker, in milliseconds. */
const START = 60_000

/** LARA-19, CAST-55. Kills a worker of the probe's own; of those that are in use it asks who would start them again. */
export function workerAutorestart(
  { takeOver, prefix }: { takeOver: number; prefix: string },
  { program, redis }: { program: Program; redis: Redis },
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
    async prove({ check, positiveControl, settings: { within } }) {
      const drill = await openDrill(openTrial)
      const worker = startWorker(program, drill.prefix)
      try {
        const [holder] = await drill.begun(1, START)
        const first = worker.pid()
        positiveControl('the job is with the worker that is killed', first ?? 'none', holder)
        if (first) process.kill(first, 'SIGKILL')
        const [, successor] = await drill.begun(2, within)
        const second = worker.pid()
        check('a new worker runs', 'yes', second !== undefined && second !== first ? 'yes' : 'no')
        check('the job is with the new worker', 'yes', second && successor === second ? 'yes' : 'no')
        await drill.letGo()
        const done = await drill.done(successor ? START : 0)
        check('times that it was completed', 1, done.length)
        check('left in the queue', 0, await drill.left())
      } finally {
        await worker.stop(2_000)
        await drill.close()
      }
      check('workers in use that nobody would start again', [], await unkeptWorkers(redis, prefix))
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
