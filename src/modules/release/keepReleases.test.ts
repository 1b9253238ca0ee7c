import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { it, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { isRunning, until } from '../../../test/support/holder.ts'
import { layRelease, members } from '../../../test/support/releases.ts'
import { systemClock } from '../../kernel/clock.ts'
import { Problem } from '../../kernel/problems.ts'
import { goOver, type Running, type Surroundings } from './goOver.ts'
import { keepReleases } from './keepReleases.ts'
import { activeRelease, type Layout, layoutOf } from './layout.ts'
import { pointTo } from './pointTo.ts'

it('goes over to the release that the link leads to, and ends what the others need at last', async (t) => {
  const { layout, lay, keep, builds, ended } = scratch(t)
  const [a, b] = [lay('a'), lay('b')]
  await keep(a)
  pointTo(layout, b)
  await until(() => builds().join() === 'b,b,b')
  assert.deepEqual(ended().slice(0, 2).sort(), ['serve of a', 'work of a'])
  assert.deepEqual(ended().slice(2), ['egress of a'])
})

it('starts a process that crashed from the release that runs', async (t) => {
  const { layout, lay, keep, builds, keeper } = scratch(t)
  await keep(lay('a'))
  pointTo(layout, lay('b'))
  await until(() => builds().join() === 'b,b,b')
  const [first] = keeper().state().processes
  process.kill(first?.pid as number, 'SIGKILL')
  await until(
    () =>
      keeper()
        .state()
        .processes.every(({ pid }) => pid !== first?.pid) && builds().length === 3,
  )
  await until(() => builds().join() === 'b,b,b')
})

for (const { when, what, why } of [
  {
    when: 'ends before it is ready',
    what: "if (name === 'work') process.exit(3)",
    why: /work ended.*exit code 3/,
  },
  {
    when: 'is never ready',
    what: "if (name === 'work') await new Promise((go) => setTimeout(go, 1e6))",
    why: /^work not ready/,
  },
])
  it(`puts the link back when a process ${when}; those that ran go on`, async (t) => {
    const { layout, lay, keep, builds, ended, keeper } = scratch(t)
    const [a, b] = [lay('a'), lay('b', what)]
    await keep(a, 2_000)
    const before = keeper().state().processes
    pointTo(layout, b)
    await until(() => keeper().state().refused !== undefined)
    assert.match(keeper().state().refused?.why ?? '', why)
    assert.equal(activeRelease(layout), a)
    await sleep(300) // it looks at the link again
    assert.deepEqual(keeper().state().processes, before)
    assert.deepEqual(builds(), ['a', 'a', 'a'])
    assert.ok(ended().every((line) => line.endsWith('of b')))
  })

it('going over says how long it took, and why it did not come about', async (t) => {
  const { layout, lay, keep, surroundings } = scratch(t)
  const [a, b, c] = [lay('a'), lay('b'), lay('c', 'process.exit(1)')]
  await keep(a)
  assert.ok((await goOver(b, surroundings())) < 10_000)
  const failed = await goOver(c, surroundings()).catch((error: unknown) => error)
  assert.ok(failed instanceof Problem && failed.code === 'release-not-ready', String(failed))
  assert.match(failed.message, /^c: .*ended before it was ready.*b runs\.$/)
  assert.equal(activeRelease(layout), b)
})

it('a release that is ready stays, also when one before it does not end', async (t) => {
  const { layout, lay, keep, surroundings } = scratch(t)
  const [a, b] = [lay('a'), lay('b')]
  await keep(a)
  const lingering = surroundings((running) => [...running, { kind: 'serve', build: 'a' }])
  const left = await goOver(b, { ...lingering, within: 5_000 }).catch((error: unknown) => error)
  assert.ok(left instanceof Problem && left.code === 'release-old-left', String(left))
  assert.equal(activeRelease(layout), b)
})

it('a release of which a kind of process is not there is not ready', async (t) => {
  const { layout, lay, surroundings } = scratch(t)
  const [a, b] = [lay('a'), lay('b')]
  pointTo(layout, a)
  // Restarted by others, who start a process that crashes again and again.
  const look = async () => {
    const build = basename(activeRelease(layout) ?? '')
    const kinds = build === 'a' ? ['serve', 'work'] : ['serve']
    return { running: kinds.map((kind) => ({ kind, build })), door: build, refused: undefined }
  }
  await assert.rejects(goOver(b, { ...surroundings(), look, within: 300 }), {
    code: 'release-not-ready',
    message: 'b: there is no work of it. a runs.',
  })
  assert.equal(activeRelease(layout), a)
})

it('when the restart itself fails, the release before is active again', async (t) => {
  const { layout, lay, surroundings } = scratch(t)
  const [a, b] = [lay('a'), lay('b')]
  pointTo(layout, a)
  const restart = () =>
    activeRelease(layout) === b ? Promise.reject(new Error('no such unit')) : Promise.resolve()
  const look = async () => ({ running: [{ kind: 'serve', build: 'a' }], door: 'a', refused: undefined })
  await assert.rejects(goOver(b, { ...surroundings(), restart, look }), /no such unit.*a runs/)
  assert.equal(activeRelease(layout), a)
})

function scratch(t: TestContext) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'keep-')))
  const layout = layoutOf(join(folder, 'releases/any')) as Layout
  let kept: ReturnType<typeof keepReleases> | undefined
  const keeper = () => kept ?? assert.fail('nothing is kept')
  const builds = () =>
    keeper()
      .state()
      .processes.map(({ build = 'not ready' }) => build)
  t.after(async () => {
    const pids = kept?.state().processes.map(({ pid }) => pid) ?? []
    await kept?.stop(5_000)
    assert.deepEqual(pids.filter(isRunning), [])
    rmSync(folder, { recursive: true })
  })
  return {
    layout,
    keeper,
    builds,
    ended: () =>
      readFileSync(join(folder, 'ended'), { encoding: 'utf8', flag: 'a+' }).split('\n').filter(Boolean),
    lay: (name: string, what?: string) => layRelease(layout, name, what),
    async keep(release: string, readyWithin = 20_000): Promise<void> {
      pointTo(layout, release)
      kept = keepReleases({
        members,
        release,
        readyWithin,
        stopWithin: 5_000,
        clock: systemClock,
        log: () => undefined,
        tell: () => undefined,
      })
      await until(() => builds().join() === Array(3).fill(basename(release)).join())
    },
    surroundings: (alter = (running: Running[]) => running): Surroundings => ({
      layout,
      clock: systemClock,
      within: 20_000,
      restart: async () => undefined,
      async look({ release, at }) {
        const { refused } = keeper().state()
        const isNews = refused?.release === release && refused.at >= at.toISOString()
        const running = keeper()
          .state()
          .processes.flatMap(({ name, build }) => (build === undefined ? [] : [{ kind: name, build }]))
        const { build: door } = running.findLast(({ kind }) => kind === 'serve') ?? {}
        return { running: alter(running), door, refused: isNews ? refused.why : undefined }
      },
    }),
  }
}
