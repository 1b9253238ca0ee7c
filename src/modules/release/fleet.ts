import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { RESTART_POLICY, type Supervised, supervise } from '../../kernel/supervise.ts'

/** A kind of process that a deployment has one of. */
export interface Member {
  name: string
  /** What follows `node`: options, the release's program, its command. */
  args(release: string): readonly string[]
  env: Record<string, string | undefined>
  /** Descriptors that it finds as 4, 5 and so on: sockets that its successor listens at too. */
  descriptors: readonly number[]
  /** What it prints, instead of showing it. */
  output?: 'ignore'
  /** The others need it: it ends after them. */
  needed: boolean
}

/** A process that runs. */
export interface FleetProcess {
  name: string
  pid: number
  /** Undefined until it is ready. */
  build: string | undefined
}

/** The processes of a deployment on this machine, all of one release. */
export interface Fleet {
  release(): string
  processes(): FleetProcess[]
  /**
   * Goes over to another release: starts its processes beside those that run and, when all are ready, ends these. When
   * one ends before it is ready, or not all are ready within `within` ms, it rejects and everything is as before.
   */
  replace(release: string, within: number): Promise<void>
  /** Ends them in reverse order, each within `timeoutMs`. */
  stop(timeoutMs: number): Promise<void>
}

/** Milliseconds for a process that did not become ready to end. */
const GIVEN_UP_MS = 2_000

interface Kept {
  member: Member
  supervised: Supervised
}

/** Starts the members in their order and keeps them running. `stopWithin`: ms that one may take to end when replaced. */
export function keepFleet(options: {
  members: readonly Member[]
  release: string
  stopWithin: number
  log: (line: string) => void
  changed: () => void
}): Fleet {
  const { members, stopWithin, log, changed } = options
  const start = (release: string): Kept[] =>
    members.map((member) => ({
      member,
      supervised: supervise({
        ...member,
        args: member.args(release),
        node: nodeOf(release),
        log,
        restart: RESTART_POLICY,
        changed,
      }),
    }))
  let release = options.release
  let running = start(release)
  let fresh: Kept[] = []
  return {
    release: () => release,
    processes: () => [...running, ...fresh].flatMap(processOf),
    async replace(to, within) {
      fresh = start(to)
      try {
        await allReady(fresh, within)
      } catch (error) {
        await endAll(fresh, GIVEN_UP_MS)
        fresh = []
        throw error
      }
      const before = running
      running = fresh
      fresh = before
      release = to
      await endAll(
        before.filter(({ member }) => !member.needed),
        stopWithin,
      )
      await endAll(before, stopWithin)
      fresh = []
    },
    async stop(timeoutMs) {
      for (const { supervised } of [...running, ...fresh].reverse()) await supervised.stop(timeoutMs)
    },
  }
}

const processOf = ({ member, supervised }: Kept): FleetProcess[] => {
  const pid = supervised.pid()
  return pid === undefined ? [] : [{ name: member.name, pid, build: supervised.build() }]
}

async function allReady(kept: readonly Kept[], within: number): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    const late = kept.filter(({ supervised }) => supervised.build() === undefined)
    reject(new Error(`${late.map(({ member }) => member.name).join(', ')} not ready within ${within} ms`))
  }, within)
  try {
    await Promise.race([Promise.all(kept.map(({ supervised }) => supervised.ready)), promise])
  } finally {
    clearTimeout(timer)
  }
}

const endAll = (kept: readonly Kept[], timeoutMs: number): Promise<unknown> =>
  Promise.all(kept.map(({ supervised }) => supervised.stop(timeoutMs)))

/** The Node that a release brings along; else the one that runs this. */
export function nodeOf(release: string): string {
  const own = join(release, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin/node')
  return existsSync(own) ? own : process.execPath
}
