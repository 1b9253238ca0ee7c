import { setTimeout as sleep } from 'node:timers/promises'
import { type Measure, measure } from '../../../proof/measure.ts'
import type { StartTrial, Trial } from '../trial.ts'
import type { StartWorkerAtJob } from '../workerTrial.ts'

/** Milliseconds for a process to end once nothing is under way. */
const END = 20_000

/** CAST-56. Ends a second process of this deployment while it works. */
export function shutdownGraceful(startTrial: StartTrial, startWorker: StartWorkerAtJob): Measure {
  return measure({
    key: 'shutdown.graceful',
    sources: ['CAST-56'],
    family: 'availability',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.8.6', 'A.8.14'] },
    timeout: 180_000,
    claim: {
      de: () =>
        'Beim Beenden (SIGTERM, SIGINT) werden laufende Anfragen zu Ende beantwortet, laufende Aufgaben abgeschlossen und neue nicht mehr angenommen.',
      en: () =>
        'When asked to end (SIGTERM, SIGINT), requests under way are answered to the end, jobs under way are completed, and new ones no longer taken.',
    },
    async prove({ check, positiveControl }) {
      await during(startTrial, async (trial) => {
        const request = await trial.begin()
        trial.signal('SIGKILL')
        request.finish()
        positiveControl('a request under way when the process is killed', 'cut off', await request.answer)
      })
      await during(startTrial, async (trial) => {
        const request = await trial.begin()
        trial.signal('SIGTERM')
        await sleep(300)
        check('a new connection after SIGTERM', 'refused', await trial.get('/healthz'))
        request.finish()
        check('a request under way at SIGTERM is answered', 404, await request.answer)
        check('exit code', 0, (await trial.ended()).code)
      })
      const worker = await startWorker()
      try {
        worker.signal('SIGTERM')
        await sleep(300)
        await worker.drill.letGo()
        check('exit code of a worker with a job under way', 0, await worker.ended(END))
        check('times that this job was completed', 1, (await worker.drill.done(0)).length)
        check('begun again', 1, (await worker.drill.begun(1, 0)).length)
      } finally {
        await worker.stop()
      }
    },
  })
}

async function during(startTrial: StartTrial, work: (trial: Trial) => Promise<void>): Promise<void> {
  const trial = await startTrial()
  try {
    await work(trial)
  } finally {
    await trial.stop()
  }
}
