import type pg from 'pg'
import { defineProblem } from '../kernel/problems.ts'
import { type Connection, connect, DEPTH, findIdle, isIdle, pickShared, type Target } from './connection.ts'

/** A pool over many databases: bounded in connections, in waiting callers and in waiting time. */
export interface ConnectionPool {
  /**
   * Lends a connection for one self-contained flight. Flights of several callers share a connection, one behind the
   * other without waiting for each answer, so few connections carry much traffic.
   */
  share<T>(target: Target, use: (client: pg.Client) => Promise<T>): Promise<T>
  /** Lends a connection to one caller alone, for a transaction. `use` ends it or leaves it outside a transaction. */
  alone<T>(target: Target, use: (client: pg.Client) => Promise<T>): Promise<T>
  /** Closes the idle connections to a target, so that its database can be renamed or dropped. */
  forget(key: string): Promise<void>
  /** Open connections (and those being opened), and callers in line. */
  stats(): { open: number; waiting: number }
  /** Refuses new callers, waits for those under way, closes every connection. */
  close(): Promise<void>
}

interface Waiter {
  target: Target
  alone: boolean
  give(connection: Connection): void
  fail(error: unknown): void
  timer: NodeJS.Timeout
}

const busy = defineProblem({ code: 'database-busy', status: 503, title: 'The database is busy' })
const shutDown = defineProblem({
  code: 'database-closed',
  status: 503,
  title: 'The connection pool is closed',
})

/** Flights queued on one connection at most; more callers wait in line. */
const MOST_FLIGHTS = 64

/**
 * Opens a pool. `most`: connections over all targets; `mostWaiting`: callers in line; `waitFor`: ms in line;
 * `idleFor`: ms before an unused connection is closed. A caller past a bound gets a Problem `database-busy` (503).
 */
export function openConnectionPool(bounds: {
  most: number
  mostWaiting: number
  waitFor: number
  idleFor: number
}): ConnectionPool {
  const byTarget = new Map<string, Connection[]>()
  const opening = new Map<string, number>()
  let open = 0
  let waiters: Waiter[] = []
  let isClosed = false
  const sweeper = setInterval(closeIdle, Math.max(100, bounds.idleFor / 2)).unref()

  const of = (key: string): readonly Connection[] => byTarget.get(key) ?? []
  const everyConnection = () => [...byTarget.values()].flat()

  async function lend<T>(target: Target, alone: boolean, use: (client: pg.Client) => Promise<T>): Promise<T> {
    if (isClosed) throw shutDown('The process is shutting down; try again.')
    const free = take(target, alone)
    const connection = free ? occupy(free, alone) : await wait(target, alone)
    try {
      return await use(connection.client)
    } finally {
      connection.progress = performance.now()
      if (alone) connection.alone = false
      else connection.flights -= 1
      if (waiters.length > 0) serve()
    }
  }

  function take(target: Target, alone: boolean): Connection | undefined {
    const all = of(target.key)
    const best = alone ? (findIdle(all) ?? pickShared(all)) : pickShared(all)
    if (best && best.flights < (alone ? 1 : DEPTH)) return best
    if (makeRoom(target)) grow(target)
    else if (alone && best) best.reserved = true
    return !alone && best && best.flights < MOST_FLIGHTS ? best : undefined
  }

  function occupy(connection: Connection, alone: boolean): Connection {
    if (alone) {
      connection.alone = true
      connection.reserved = false
    } else {
      if (connection.flights === 0) connection.progress = performance.now()
      connection.flights += 1
    }
    return connection
  }

  function wait(target: Target, alone: boolean): Promise<Connection> {
    if (waiters.length >= bounds.mostWaiting) {
      throw busy(`${waiters.length} callers already wait for a database connection; try again shortly.`)
    }
    return new Promise((give, fail) => {
      const giveUp = () => {
        waiters = waiters.filter((other) => other !== waiter)
        releaseReservations(target.key)
        fail(busy(`No database connection became free within ${bounds.waitFor} ms; try again shortly.`))
      }
      const waiter: Waiter = { target, alone, give, fail, timer: setTimeout(giveUp, bounds.waitFor) }
      waiters.push(waiter)
    })
  }

  /** Hands what is free to those in line, first come first served; one who must wait on does not hold up the rest. */
  function serve(): void {
    const line = waiters
    waiters = []
    const waitOn = line.filter((waiter) => {
      const free = freeFor(waiter)
      if (!free) return true
      clearTimeout(waiter.timer)
      waiter.give(occupy(free, waiter.alone))
      return false
    })
    waiters = [...waitOn, ...waiters]
    for (const { target } of waitOn) {
      if (of(target.key).length === 0 && !opening.has(target.key) && makeRoom(target)) grow(target)
    }
  }

  function freeFor(waiter: Waiter): Connection | undefined {
    const candidates = of(waiter.target.key)
    if (waiter.alone) return findIdle(candidates)
    const best = pickShared(candidates)
    return best && best.flights < MOST_FLIGHTS ? best : undefined
  }

  /** A reservation outlives its waiter only as long as another waits to have a connection alone. */
  function releaseReservations(key: string): void {
    if (waiters.some((waiter) => waiter.alone && waiter.target.key === key)) return
    for (const connection of of(key)) connection.reserved = false
  }

  /** Whether one more connection to `target` may be opened; closes the longest idle one of another target if needed. */
  function makeRoom(target: Target): boolean {
    if (of(target.key).length + (opening.get(target.key) ?? 0) >= target.most) return false
    if (open < bounds.most) return true
    const idle = everyConnection().filter((c) => isIdle(c) && c.target.key !== target.key)
    const longest = idle.reduce<Connection | undefined>(
      (a, b) => (a && a.progress <= b.progress ? a : b),
      undefined,
    )
    if (longest) discard(longest)
    return longest !== undefined
  }

  function grow(target: Target): void {
    const { key } = target
    open += 1
    opening.set(key, (opening.get(key) ?? 0) + 1)
    connect(target, gone).then(
      (connection) => {
        settle(key)
        byTarget.set(key, [...of(key), connection])
        if (isClosed) discard(connection)
        serve()
      },
      (error: unknown) => {
        settle(key)
        open -= 1
        if (of(key).length === 0 && !opening.has(key)) failAll(key, error)
        serve()
      },
    )
  }

  function settle(key: string): void {
    const left = (opening.get(key) ?? 1) - 1
    if (left > 0) opening.set(key, left)
    else opening.delete(key)
  }

  /** A target that cannot be reached fails all who wait for it. */
  function failAll(key: string, error: unknown): void {
    const failed = waiters.filter((waiter) => waiter.target.key === key)
    waiters = waiters.filter((waiter) => waiter.target.key !== key)
    for (const waiter of failed) {
      clearTimeout(waiter.timer)
      waiter.fail(error)
    }
  }

  function gone(connection: Connection): void {
    if (of(connection.target.key).includes(connection)) discard(connection)
    serve()
  }

  function discard(connection: Connection): Promise<void> {
    connection.dead = true
    open -= 1
    const { key } = connection.target
    const left = of(key).filter((other) => other !== connection)
    if (left.length > 0) byTarget.set(key, left)
    else byTarget.delete(key)
    return connection.client.end().catch(() => undefined)
  }

  function closeIdle(): void {
    const before = performance.now() - bounds.idleFor
    for (const connection of everyConnection()) {
      if (isIdle(connection) && connection.progress < before) void discard(connection)
    }
  }

  return {
    share: (target, use) => lend(target, false, use),
    alone: (target, use) => lend(target, true, use),
    async forget(key) {
      await Promise.all(of(key).filter(isIdle).map(discard))
    },
    stats: () => ({ open, waiting: waiters.length }),
    async close() {
      isClosed = true
      clearInterval(sweeper)
      for (const key of new Set(waiters.map((waiter) => waiter.target.key)))
        failAll(key, shutDown('The process is shutting down; try again.'))
      while (everyConnection().some((c) => c.flights > 0 || c.alone))
        await new Promise((r) => setTimeout(r, 5))
      await Promise.all(everyConnection().map(discard))
    },
  }
}
