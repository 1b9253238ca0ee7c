import { basename } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { buildOf } from '../../kernel/build.ts'
import type { Clock } from '../../kernel/clock.ts'
import { defineProblem } from '../../kernel/problems.ts'
import { recordActivation } from './activations.ts'
import { activeRelease, type Layout } from './layout.ts'
import { otherBuilds } from './otherBuilds.ts'
import { pointTo } from './pointTo.ts'

const notReady = defineProblem({
  code: 'release-not-ready',
  status: 503,
  title: 'The release did not become ready; the one before it is active',
})
const oldLeft = defineProblem({
  code: 'release-old-left',
  status: 503,
  title: 'The release runs, and so do processes of another',
})

/** A process by its kind and the build that it says it runs. */
export interface Running {
  kind: string
  build: string
}

/** What can be seen of a deployment from beside it. */
export interface Sight {
  running: Running[]
  /** The build that the front door says it runs; undefined when it does not answer. */
  door: string | undefined
  /** Why whoever keeps the processes did not take the release since it was asked for. */
  refused: string | undefined
}

/** How a deployment is looked at, and what makes it start anew. */
export interface Surroundings {
  layout: Layout
  clock: Clock
  /** Milliseconds in which all processes must be of the new release. */
  within: number
  look(asked: { release: string; at: Date }): Promise<Sight>
  /** Makes the processes start anew, where nobody follows the link. */
  restart(): Promise<void>
}

const LOOK_AGAIN = 100
const NOTHING: Sight = { running: [], door: undefined, refused: undefined }

/**
 * Makes `release` the active one and waits until every process says that it runs its build; resolves to the milliseconds
 * that took. When it does not become ready within the limit, the release before is active again when this rejects with a
 * Problem `release-not-ready`. When only processes of the release before are still there, it stays active and this
 * rejects with a Problem `release-old-left`.
 */
export async function goOver(release: string, surroundings: Surroundings): Promise<number> {
  const { layout, clock, within, look } = surroundings
  const before = activeRelease(layout)
  // What ran until now was good; a first release was not activated by us.
  if (before) recordActivation(layout, described(before, clock))
  const asked = { release, at: clock.now() }
  const { running } = await look(asked).catch(() => NOTHING)
  const kinds = [...new Set(running.map(({ kind }) => kind))]
  const began = performance.now()
  pointTo(layout, release)
  const { others, failure } = await untilAllAre({ ...asked, kinds }, surroundings, began + within)
  if (failure !== undefined) return goBack(release, before, failure, surroundings)
  recordActivation(layout, described(release, clock))
  if (others.length > 0) throw oldLeft(`${basename(release)} runs, but ${others.join(', ')}.`)
  return Math.round(performance.now() - began)
}

async function goBack(
  from: string,
  to: string | undefined,
  failure: string,
  surroundings: Surroundings,
): Promise<never> {
  const { layout, clock, within } = surroundings
  const name = basename(from)
  if (!to) throw notReady(`${name}: ${failure}. There is none before it to go back to.`)
  const asked = { release: to, at: clock.now(), kinds: [] }
  if (activeRelease(layout) === from) pointTo(layout, to)
  const back = await untilAllAre(asked, surroundings, performance.now() + within)
  const state = back.failure === undefined ? 'runs' : `is to run again, but ${back.failure}`
  throw notReady(`${name}: ${failure}. ${basename(to)} ${state}.`)
}

/** Those of other builds, once none is left or at the deadline; `failure`: why the release is not ready by then. */
async function untilAllAre(
  asked: { release: string; at: Date; kinds: readonly string[] },
  { look, restart }: Surroundings,
  deadline: number,
): Promise<{ others: string[]; failure?: string }> {
  const build = buildOf(asked.release)
  try {
    await restart()
  } catch (error) {
    return { others: [], failure: error instanceof Error ? error.message : String(error) }
  }
  for (;;) {
    // While a store is away nothing is seen, which is no reason to stop half-way.
    const { running, door, refused } = await look(asked).catch(() => NOTHING)
    if (refused !== undefined) return { others: [], failure: refused }
    const others = otherBuilds(running, build)
    const there = new Set(running.flatMap((one) => (one.build === build ? [one.kind] : [])))
    const missing = [
      ...(door === build ? [] : [`the front door says ${door ?? 'nothing'}`]),
      ...asked.kinds.filter((kind) => !there.has(kind)).map((kind) => `there is no ${kind} of it`),
    ]
    const isReady = missing.length === 0 && there.size > 0
    if (isReady && others.length === 0) return { others }
    if (performance.now() > deadline)
      return isReady ? { others } : { others, failure: [...missing, ...others].join(', ') || 'nothing runs' }
    await sleep(LOOK_AGAIN)
  }
}

const described = (release: string, clock: Clock) => ({
  at: clock.now().toISOString(),
  release,
  build: buildOf(release),
})
