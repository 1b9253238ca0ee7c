import { basename } from 'node:path'
import { formatDuration } from '../../../kernel/duration.ts'
import { type Measure, measure, type ProbeContext } from '../../../proof/measure.ts'
import { goOver } from '../goOver.ts'
import { keepAsking } from '../keepAsking.ts'
import { otherBuilds } from '../otherBuilds.ts'
import type { ReleaseParts } from '../parts.ts'
import { buildAtDoor, runningProcesses } from '../sight.ts'
import { outcomeOf, type Trial } from '../trial.ts'

interface Reload {
  /** Milliseconds. */
  reloadWithin: number
}

/** LARA-20. Looks at every process that runs, and goes over between two releases of a trial while requests go on. */
export function deployCacheReload(settings: Reload, parts: ReleaseParts): Measure<Reload> {
  return measure<Reload>({
    key: 'deploy.cache.reload',
    sources: ['LARA-20'],
    family: 'availability',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.8.9', 'A.8.32'] },
    settings: { reloadWithin: settings.reloadWithin },
    timeout: 2 * settings.reloadWithin + 120_000,
    claim: {
      de: ({ reloadWithin }) =>
        `Spätestens ${formatDuration(reloadWithin, 'de')} nach dem Einspielen eines neuen Standes führt jeder Prozess, der Anfragen beantwortet oder Aufgaben erledigt, nur noch dessen Code aus.`,
      en: ({ reloadWithin }) =>
        `Within ${formatDuration(reloadWithin, 'en')} of a deployment, every process that answers requests or runs jobs executes the new code alone.`,
    },
    async prove(probe) {
      const { processes, files } = await parts.compareWithDisk()
      probe.check('processes that run another build than the one on the disk', [], processes)
      probe.check('files of this build that are not as they were packed', [], files)
      if (processes.length > 0) return
      const trial = await parts.openTrial()
      if (!trial) return probe.notObservable('NO_SHARED_SOCKET', 'This system hands no sockets on.')
      try {
        await goOverUnderLoad(trial, probe)
      } finally {
        await trial.close()
      }
    },
  })
}

async function goOverUnderLoad(
  trial: Trial,
  { check, positiveControl, settings: { reloadWithin } }: ProbeContext<Reload>,
): Promise<void> {
  const [before, after] = [trial.stage('trial-old'), trial.stage('trial-new')]
  const running = () => runningProcesses(trial.watched)
  const door = () => buildAtDoor(trial.watched)
  await trial.begin(before)
  positiveControl('/healthz says, before', 'trial-old', await door())
  const unfinished = await trial.beginRequest()
  const asking = keepAsking(door)
  const crossing = outcomeOf(goOver(after, trial.surroundings(reloadWithin)))
  await Promise.race([trial.untilReady(after), crossing])
  const seen = otherBuilds(await running(), basename(after))
  positiveControl(
    'a process of the old build, which a request keeps, is seen',
    ['serve runs trial-old'],
    seen,
  )
  unfinished.finish()
  check('answer to the request that was under way', 404, await unfinished.answer)
  check('all processes went over', 'in time', await crossing)
  check('processes that run another build', [], otherBuilds(await running(), basename(after)))
  check('/healthz says', 'trial-new', await door())
  const { builds, failed } = await asking.stop()
  positiveControl('builds that answered requests meanwhile', ['trial-new', 'trial-old'], builds)
  check('requests that were refused or failed meanwhile', 0, failed)
}
