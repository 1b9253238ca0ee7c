import { setTimeout as sleep } from 'node:timers/promises'
import { type Measure, measure } from '../../../proof/measure.ts'
import type { StartTrial, Trial } from '../trial.ts'

/** CAST-56. Ends a second process of this deployment while it works. */
export function shutdownGraceful(startTrial: StartTrial): Measure {
  return measure({
    key: 'shutdown.graceful',
    sources: ['CAST-56'],
    family: 'availability',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.8.6', 'A.8.14'] },
    claim: {
      de: () =>
        'Beim Beenden (SIGTERM, SIGINT) werden laufende Anfragen zu Ende beantwortet und neue nicht mehr angenommen.',
      en: () =>
        'When asked to end (SIGTERM, SIGINT), requests under way are answered to the end and new ones no longer taken.',
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
