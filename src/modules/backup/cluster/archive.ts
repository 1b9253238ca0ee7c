import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import type { Stores } from '../../../data/index.ts'
import { defineProblem } from '../../../kernel/problems.ts'
import { pgBackRest, pgBackRestBytes } from './pgBackRest.ts'
import type { Place } from './place.ts'
import { asPitr } from './server.ts'

const notArchived = defineProblem({
  code: 'pitr-not-archived',
  status: 500,
  title: 'The log does not reach the repository',
})

const Listing = z.record(z.string(), z.object({ type: z.string() }))

/** A segment as it lies there: its name, a hash, and how it is compressed. */
const SEGMENT = /(^|\/)([0-9A-F]{24})-[0-9a-f]+(\.\w+)?$/

/** What is handed on may also be the history of a timeline. */
const SEGMENT_NAME = /^[0-9A-F]{24}/

/** The segments of the log in the repository, in order: name, and path for `headOf`. */
export async function archivedSegments(place: Place): Promise<{ name: string; path: string }[]> {
  const folder = `archive/${place.stanza}`
  const listing = await pgBackRest(place, 'repo-ls', { args: [folder, '--recurse', '--output=json'] })
  return Object.keys(Listing.parse(JSON.parse(listing)))
    .flatMap((path) => {
      const name = SEGMENT.exec(path)?.[2]
      return name ? [{ name, path: `${folder}/${path}` }] : []
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** Segments that are missing between the first and the last of each timeline, beginning with `first`. */
export function missingSegments(names: readonly string[], first: string, segmentSize: number): string[] {
  const perLog = 2 ** 32 / segmentSize
  const numberOf = (name: string) =>
    Number.parseInt(name.slice(8, 16), 16) * perLog + Number.parseInt(name.slice(16), 16)
  const nameOf = (timeline: string, number: number) =>
    timeline + [Math.floor(number / perLog), number % perLog].map(hex).join('')
  const needed = names.filter((name) => name >= first)
  const missing = needed.includes(first) ? [] : [first]
  for (const [timeline, segments] of Map.groupBy(needed, (name) => name.slice(0, 8))) {
    const there = new Set(segments.map(numberOf))
    const [from, to] = [Math.min(...there), Math.max(...there)]
    for (let number = from; number <= to; number++)
      if (!there.has(number)) missing.push(nameOf(timeline, number))
  }
  return missing
}

const hex = (number: number) => number.toString(16).toUpperCase().padStart(8, '0')

/** The first bytes of a file in the repository, as they lie there. */
export async function headOf(place: Place, path: string): Promise<string> {
  const raw = await pgBackRestBytes(place, 'repo-get', { args: [path, '--raw'] })
  return raw.subarray(0, 8).toString('latin1')
}

/**
 * Ends the segment that is being written and waits until the server has handed it on. Throws a Problem
 * `pitr-not-archived` when that fails or takes longer than `within` milliseconds. Resolves to its name.
 */
export async function archiveNow(stores: Stores, within: number): Promise<string> {
  return asPitr(stores, async (client) => {
    const { rows } = await client.query<{ segment: string; failed: number }>(
      `SELECT pg_walfile_name(pg_switch_wal()) AS segment, (SELECT failed_count::float8 FROM pg_stat_archiver) AS failed`,
    )
    const { segment = '', failed = 0 } = rows[0] ?? {}
    for (const began = Date.now(); Date.now() - began < within; await sleep(50)) {
      const state = await client.query<{ archived: string | null; failed: number }>(
        'SELECT last_archived_wal AS archived, failed_count::float8 AS failed FROM pg_stat_archiver',
      )
      const { archived = null, failed: now = 0 } = state.rows[0] ?? {}
      if (SEGMENT_NAME.test(archived ?? '') && (archived ?? '').slice(0, 24) >= segment) return segment
      if (now > failed) throw notArchived(`The server could not hand on ${segment}; its own log says why.`)
    }
    throw notArchived(`The server has not handed on ${segment} within ${within / 1_000} s.`)
  })
}
