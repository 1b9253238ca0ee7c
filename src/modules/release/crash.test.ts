import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { it, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { isRunning, killHard, startHolder, until } from '../../../test/support/holder.ts'
import { layRelease } from '../../../test/support/releases.ts'
import { releaseBefore } from './activations.ts'
import type { KeptState } from './keepReleases.ts'
import { activeRelease, type Layout, layoutOf } from './layout.ts'
import { pointTo } from './pointTo.ts'

/** Milliseconds from the beginning of a step until `kill -9`, up to where everything is over. */
const MOMENTS = [0, 100, 300, 700]

it('whenever the one who activates is killed, all processes are of the active release', async (t) => {
  const { layout, state, startKeeper, startActivation, settled } = scratch(t)
  await startKeeper()
  for (const moment of MOMENTS) {
    const other = activeRelease(layout)?.endsWith('a') ? 'b' : 'a'
    const { process: activating } = await startActivation(join(layout.releases, other))
    const over = once(activating, 'exit')
    await sleep(moment)
    activating.kill('SIGKILL')
    await over
    await settled()
    assert.equal(state().refused, undefined)
  }
  const back = releaseBefore(layout)
  assert.ok(back && back !== activeRelease(layout))
})

it('whenever the one who keeps the processes is killed, the next one keeps those of the active release', async (t) => {
  const { layout, state, startKeeper, settled } = scratch(t)
  for (const [at, moment] of MOMENTS.entries()) {
    const keeper = await startKeeper()
    pointTo(layout, join(layout.releases, at % 2 === 0 ? 'b' : 'a'))
    await sleep(moment)
    await killHard(keeper)
    const { processes } = state()
    await until(() => !processes.some(({ pid }) => isRunning(pid)))
  }
  await startKeeper()
  await settled()
})

function scratch(t: TestContext) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'release-crash-')))
  const layout = layoutOf(join(folder, 'releases/any')) as Layout
  for (const name of ['b', 'a']) pointTo(layout, layRelease(layout, name))
  const file = join(folder, 'kept.json')
  const state = (): KeptState => JSON.parse(readFileSync(file, 'utf8'))
  const urls = (...paths: string[]) => paths.map((path) => new URL(path, import.meta.url).href)
  const [release, support, clock, sight] = urls(
    './index.ts',
    '../../../test/support/releases.ts',
    '../../kernel/clock.ts',
    './sight.ts',
  )
  const children: ChildProcess[] = []
  const start = async (source: string, ...args: string[]) => {
    const started = await startHolder(source, args)
    children.push(started.process)
    return started
  }
  const common = `
    import { renameSync, writeFileSync } from 'node:fs'
    import { activeRelease, goOver, keepReleases, layoutOf } from '${release}'
    import { systemClock as clock } from '${clock}'
    const [any, file, to] = process.argv.slice(1)
    const layout = layoutOf(any)`
  const all = () => state().processes.map(({ build }) => build)
  t.after(async () => {
    for (const child of children) child.kill('SIGKILL')
    const { processes } = state()
    await until(() => !processes.some(({ pid }) => isRunning(pid)))
    rmSync(folder, { recursive: true })
  })
  return {
    layout,
    state,
    async startKeeper() {
      rmSync(file, { force: true })
      const { process: keeper } = await start(
        `${common}
        import { members } from '${support}'
        const tell = (state) => {
          writeFileSync(file + '.partial', JSON.stringify(state))
          renameSync(file + '.partial', file)
          if (state.processes.filter(({ build }) => build).length === members.length) console.log('all run')
        }
        const options = { readyWithin: 20_000, stopWithin: 5_000, clock, log: () => {}, tell }
        keepReleases({ members, release: activeRelease(layout), ...options })`,
        layout.current,
        file,
      )
      return keeper
    },
    startActivation: (to: string) =>
      start(
        `${common}
        import { readKept } from '${sight}'
        const look = async () => {
          const running = readKept(file).processes.flatMap(({ name, build }) => (build ? [{ kind: name, build }] : []))
          return { running, door: running.findLast(({ kind }) => kind === 'serve')?.build }
        }
        console.log('begins')
        await goOver(to, { layout, clock, within: 20_000, look, restart: async () => {} })`,
        layout.current,
        file,
        to,
      ),
    settled: () =>
      until(() => {
        const active = basename(activeRelease(layout) ?? '')
        return all().join() === [active, active, active].join()
      }),
  }
}
