import pg from 'pg'
import { prepareFlights } from './flight.ts'

/** One server, database and role to connect to. */
export interface Target {
  /** Unique for host, database and role. */
  key: string
  config: pg.ClientConfig
  /** Most connections to this target. */
  most: number
}

/** An open connection and what it is doing. */
export interface Connection {
  client: pg.Client
  target: Target
  /** Flights under way. */
  flights: number
  /** Lent to one caller alone. */
  alone: boolean
  /** A caller waits to have it alone: no new flights. */
  reserved: boolean
  dead: boolean
  /** performance.now() of the last sign of progress. */
  progress: number
}

/** Flights queued on every open connection before a further one is opened. */
export const DEPTH = 4
/** A connection silent for this long (ms) is avoided: a slow query holds up what is sent behind it. */
const STALLED = 10

/** Connects to `target`; `onEnd` is called once when the connection is gone, for whatever reason. */
export async function connect(target: Target, onEnd: (connection: Connection) => void): Promise<Connection> {
  const client = new pg.Client({ ...target.config, pipeline: true } as pg.ClientConfig)
  const connection: Connection = {
    client,
    target,
    flights: 0,
    alone: false,
    reserved: false,
    dead: false,
    progress: performance.now(),
  }
  const ended = () => {
    if (!connection.dead) onEnd(connection)
  }
  // Without a listener a connection that breaks while idle would end the process.
  client.on('error', ended)
  client.on('end', ended)
  await client.connect()
  await prepareFlights(client)
  return connection
}

/** Whether nobody uses or awaits the connection. */
export function isIdle(connection: Connection): boolean {
  return connection.flights === 0 && !connection.alone && !connection.reserved && !connection.dead
}

/** A connection that nobody uses and that may be lent to one caller alone. */
export function findIdle(connections: readonly Connection[]): Connection | undefined {
  return connections.find(({ flights, alone, dead }) => flights === 0 && !alone && !dead)
}

/**
 * The connection for a new flight: the fullest that still has room, so that flights travel together and fewer server
 * processes share the cores; when all are full or held up by a slow query, the one with the least to do.
 */
export function pickShared(connections: readonly Connection[]): Connection | undefined {
  let best: Connection | undefined
  let bestLoad = Number.POSITIVE_INFINITY
  const now = performance.now()
  for (const connection of connections) {
    const { flights, alone, reserved, dead, progress } = connection
    if (alone || reserved || dead) continue
    const stalled = flights > 0 && now - progress > STALLED
    const hasRoom = flights < DEPTH && !stalled
    const load = hasRoom ? -flights : flights + (stalled ? DEPTH : 0)
    if (load < bestLoad) {
      best = connection
      bestLoad = load
    }
  }
  return best
}
