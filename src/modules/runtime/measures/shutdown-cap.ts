import { setTimeout as sleep } from 'node:timers/promises'
import { formatDuration } from '../../../kernel/duration.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import type { StartTrial } from '../trial.ts'
import type { StartWorkerAtJob } from '../workerTrial.ts'

interface Cap {
  /** Milliseconds. */
  shutdownTimeout: number
}

/** CAST-57. */
export function shutdownCap(
  settings: Cap,
  startTrial: StartTrial,
  startWorker: StartWorkerAtJob,
): Measure<Cap> {
  return measure<Cap>({
    key: 'shutdown.cap',
    sources: ['CAST-57'],
    family: 'availability',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.8.6', 'A.8.14'] },
    settings,
    timeout: 3 * settings.shutdownTimeout + 120_000,
    claim: {
      de: ({ shutdownTimeout }) =>
        `Ein Prozess, der enden soll, ist spätestens nach ${formatDuration(shutdownTimeout, 'de').replace('Tage', 'Tagen')} beendet; eine Aufgabe, die länger dauert, wird wieder eingereiht.`,
      en: ({ shutdownTimeout }) =>
        `A process that was asked to end is gone after ${formatDuration(shutdownTimeout, 'en')} at the latest; a job that takes longer is queued again.`,
    },
    async prove({ check, positiveControl, settings: { shutdownTimeout: cap } }) {
      const trial = await startTrial()
      try {
        await trial.begin() // never finished
        trial.signal('SIGTERM')
        const ended = trial.ended()
        const early = await Promise.race([
          ended.then(() => 'gone'),
          sleep(cap / 2, 'waiting', { ref: false }),
        ])
        positiveControl('half-way to the cap, with a request still under way', 'waiting', early)
        const late = sleep(cap * 1.1 + 100, undefined, { ref: false })
        const { code, took } = (await Promise.race([ended, late])) ?? { code: null, took: Infinity }
        const punctual = Math.abs(took - cap) <= cap * 0.1 + 100
        check(
          'gone at the cap, give or take a tenth',
          'gone',
          punctual ? 'gone' : Number.isFinite(took) ? `gone after ${took} ms` : 'still there',
        )
        check('exit code says that something was cut off', 1, code)
      } finally {
        await trial.stop()
      }
      const worker = await startWorker()
      try {
        worker.signal('SIGTERM')
        const code = await worker.ended(cap * 1.1 + 100)
        check('a worker whose job does not end', 'gone', code === null ? 'still there' : 'gone')
        check('this job, completed', 0, (await worker.drill.done(0)).length)
        check('this job, waiting for another worker', 1, await worker.drill.left())
      } finally {
        await worker.stop()
      }
    },
  })
}
