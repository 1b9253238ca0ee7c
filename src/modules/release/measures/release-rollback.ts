import { basename } from 'node:path'
import { formatDuration } from '../../../kernel/duration.ts'
import { type Measure, measure, type ProbeContext } from '../../../proof/measure.ts'
import { goOver } from '../goOver.ts'
import { activeRelease } from '../layout.ts'
import type { ReleaseParts } from '../parts.ts'
import { buildAtDoor } from '../sight.ts'
import { breakRelease } from '../stage.ts'
import { outcomeOf, type Trial } from '../trial.ts'

interface Rollback {
  /** Milliseconds. */
  rollbackWithin: number
}

const DAY = 86_400_000

/** What somebody asks first who wants to know whether it works. */
const SMOKE = ['/readyz', '/en', '/api/v1/measures', '/api/v1/openapi.json']

/** CAST-65. Activates a release that does not start and one that does, in a trial, and goes back. */
export function releaseRollback(settings: Rollback, parts: ReleaseParts): Measure<Rollback> {
  return measure<Rollback>({
    key: 'release.rollback',
    sources: ['CAST-65'],
    family: 'recoverability',
    maps: { gdpr: ['32(1)(b)', '32(1)(c)'], iso27001: ['A.8.32'] },
    settings: { rollbackWithin: settings.rollbackWithin },
    freshFor: 7 * DAY,
    timeout: 3 * settings.rollbackWithin + 120_000,
    claim: {
      de: ({ rollbackWithin }) =>
        `Der vorherige Stand der Software ist in höchstens ${formatDuration(rollbackWithin, 'de').replace('Tage', 'Tagen')} wiederhergestellt; ein neuer Stand, der nicht startet, wird von selbst zurückgenommen.`,
      en: ({ rollbackWithin }) =>
        `The previous release is restored within ${formatDuration(rollbackWithin, 'en')}; a new release that does not start is undone by itself.`,
    },
    async prove(probe) {
      const trial = await parts.openTrial()
      if (!trial) return probe.notObservable('NO_SHARED_SOCKET', 'This system hands no sockets on.')
      try {
        await rollBack(trial, parts, probe)
      } finally {
        await trial.close()
      }
    },
  })
}

async function rollBack(
  trial: Trial,
  { releaseBefore }: ReleaseParts,
  { check, positiveControl, settings: { rollbackWithin } }: ProbeContext<Rollback>,
): Promise<void> {
  const { layout, watched } = trial
  const [old, broken, next] = ['trial-old', 'trial-broken', 'trial-new'].map(trial.stage) as [
    string,
    string,
    string,
  ]
  const active = () => basename(activeRelease(layout) ?? 'none')
  const go = (release: string) => outcomeOf(goOver(release, trial.surroundings(rollbackWithin)))
  breakRelease(broken)
  await trial.begin(old)
  positiveControl('a release that lacks a file, activated', 'release-not-ready', await go(broken))
  check('active after that', 'trial-old', active())
  check('/healthz says after that', 'trial-old', await buildAtDoor(watched))
  positiveControl('a release that is whole, activated', 'in time', await go(next))
  positiveControl('/healthz says after that one', 'trial-new', await buildAtDoor(watched))
  const before = releaseBefore(layout)
  check('rolled back', 'in time', before ? await go(before) : 'no release before it is known')
  check('active after the rollback', 'trial-old', active())
  check('/healthz says after the rollback', 'trial-old', await buildAtDoor(watched))
  for (const path of SMOKE) check(`GET ${path} after the rollback`, 200, await trial.status(path))
}
