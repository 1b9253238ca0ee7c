import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { buildOf } from '../../kernel/build.ts'
import type { Clock } from '../../kernel/clock.ts'
import { GIVEN_SOCKETS } from '../../kernel/givenSockets.ts'
import { newId } from '../../kernel/ids.ts'
import type { Program } from '../../kernel/module.ts'
import { Problem } from '../../kernel/problems.ts'
import type { EdgeApi, Unfinished } from '../edge/index.ts'
import type { TelemetryApi } from '../telemetry/index.ts'
import { type BoundDoor, bindDoor } from './bindDoor.ts'
import type { Member } from './fleet.ts'
import type { Surroundings } from './goOver.ts'
import { type Keeper, keepReleases } from './keepReleases.ts'
import { type Layout, layoutOf } from './layout.ts'
import { pointTo } from './pointTo.ts'
import { lookAt, type Watched } from './sight.ts'
import { stageRelease } from './stage.ts'

/** A deployment of a probe's own, beside the one that runs, whose releases differ in nothing but their build. */
export interface Trial {
  layout: Layout
  watched: Watched
  /** Lays a release and returns its folder. */
  stage(build: string): string
  /** Starts with this release. */
  begin(release: string): Promise<void>
  /** Resolves when a process of this release is ready. */
  untilReady(release: string): Promise<void>
  /** For `goOver`. */
  surroundings(within: number): Surroundings
  /** Begins a request that is under way until it is finished. */
  beginRequest(): Promise<Unfinished>
  /** Of one GET at the public site; undefined when nobody answers. */
  status(path: string): Promise<number | undefined>
  close(): Promise<void>
}

export interface TrialParts {
  program: Program
  edge: EdgeApi
  telemetry: TelemetryApi
  clock: Clock
}

const START_MS = 60_000
const STOP_MS = 5_000
const LOOK_AGAIN = 50

/** Opens it; undefined where sockets cannot be handed on from process to process. */
export async function openTrial(parts: TrialParts): Promise<Trial | undefined> {
  const { program, edge, telemetry, clock } = parts
  const door = await bindDoor({ bind: edge.bind, port: 0, httpPort: 0 })
  if (!door) return undefined
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'surety-release-')))
  mkdirSync(join(folder, 'releases'))
  const layout = layoutOf(join(folder, 'releases', 'any')) as Layout
  const prefix = `probe-${newId()}`
  const processes = telemetry.processesOf(prefix)
  let keeper: Keeper | undefined
  const watched: Watched = { processes, edge, port: door.port, kept: () => keeper?.state() }
  const untilReady = async (release: string) => {
    const asked = buildOf(release)
    const isReady = () => keeper?.state().processes.some(({ build }) => build === asked)
    for (const deadline = performance.now() + START_MS; !isReady(); await sleep(LOOK_AGAIN))
      if (performance.now() > deadline) throw new Error(`The trial was not ready within ${START_MS} ms.`)
  }
  return {
    layout,
    watched,
    stage: (build) => stageRelease(layout, build, program.release),
    async begin(release) {
      pointTo(layout, release)
      keeper = keepReleases({
        members: [serving(program, door, prefix)],
        release,
        readyWithin: START_MS,
        stopWithin: STOP_MS,
        clock,
        log: () => undefined,
        tell: () => undefined,
      })
      await untilReady(release)
    },
    untilReady,
    surroundings: (within) => ({
      layout,
      clock,
      within,
      look: (asked) => lookAt(watched, asked),
      restart: async () => undefined,
    }),
    beginRequest: () => edge.begin(door.port),
    status: (path) =>
      edge.request({ host: edge.trustHost, path, port: door.port }).then(
        ({ status }) => status,
        () => undefined,
      ),
    async close() {
      await keeper?.stop(STOP_MS)
      door.close()
      await processes.clear()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A process that answers HTTP with this deployment's settings, but only the app role's credentials. */
function serving({ args, env }: Program, door: BoundDoor, prefix: string): Member {
  const own = Object.entries(env).filter(([name]) => !/__(MIGRATOR|SEALER)_/.test(name))
  return {
    name: 'serve',
    args: (release) => [...args.slice(0, -1), join(release, 'src/cli/main.ts'), 'serve'],
    env: {
      ...Object.fromEntries(own),
      SURETY_EDGE__PORT: String(door.port),
      SURETY_EDGE__HTTP_PORT: String(door.httpPort),
      SURETY_TELEMETRY__PREFIX: prefix,
      // Nobody is to be told that a trial has no process that works.
      SURETY_TELEMETRY__MISSED_AFTER: '1d',
      [GIVEN_SOCKETS]: '4,5',
      LOG_LEVEL: 'silent',
    },
    descriptors: door.descriptors,
    output: 'ignore',
    needed: false,
  }
}

/** What came of going over, in a word. */
export const outcomeOf = (crossing: Promise<number>): Promise<string> =>
  crossing.then(
    () => 'in time',
    (error: unknown) => {
      if (error instanceof Problem) return error.code
      throw error
    },
  )
