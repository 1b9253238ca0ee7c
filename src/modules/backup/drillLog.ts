import type { Stores } from '../../data/index.ts'
import { RESTORE_PHASES } from './restore.ts'

/** One thing that a drill compared. */
export interface DrillCheck {
  what: string
  expected: unknown
  observed: unknown
  ok: boolean
}

/** What a drill did and measured. */
export interface DrillReport {
  id: string
  /** The canary whose backup was restored. */
  slug: string
  backupId: string
  /** ISO 8601. */
  snapshotAt: string
  startedAt: string
  endedAt: string
  passed: boolean
  /** Milliseconds between the snapshot and the beginning of the drill. */
  rpoMs: number
  /** Milliseconds until the first verified answer. */
  rtoMs: number
  /** Phase to milliseconds, in order. */
  phases: Record<string, number>
  /** The same for the largest tenant, where phases that depend on size grow with it. */
  largestRtoMs: number
  checks: DrillCheck[]
}

/** Keeps a report. */
export async function noteDrill({ asMigrator }: Stores, drill: DrillReport): Promise<void> {
  const { id, slug, backupId, startedAt, endedAt, passed, rpoMs, rtoMs } = drill
  await asMigrator('note a drill', (client) =>
    client.query(
      `INSERT INTO backup.drill (id, slug, backup_id, started_at, ended_at, passed, rpo_ms, rto_ms, report)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [id, slug, backupId, startedAt, endedAt, passed, rpoMs, rtoMs, JSON.stringify(drill)],
    ),
  )
}

/** Reports, newest first. */
export async function drillsSince({ control }: Stores, since: Date, limit = 100): Promise<DrillReport[]> {
  const rows = await control.query<{ report: DrillReport }>(
    'SELECT report FROM backup.drill WHERE ended_at >= $1 ORDER BY ended_at DESC LIMIT $2',
    [since, limit],
  )
  return rows.map(({ report }) => ({ ...report, phases: inOrder(report.phases) }))
}

const ORDER: readonly string[] = [...RESTORE_PHASES, 'boot', 'first answer']

/** As they were gone through: the database keeps no order of an object's members. */
function inOrder(phases: Record<string, number>): Record<string, number> {
  const sorted = Object.entries(phases).sort(([a], [b]) => ORDER.indexOf(a) - ORDER.indexOf(b))
  return Object.fromEntries(sorted)
}

/** Median and worst of `values`; null of none. */
export function medianAndWorst(values: readonly number[]): { median: number; worst: number } | null {
  const sorted = values.toSorted((a, b) => a - b)
  const worst = sorted.at(-1)
  return worst === undefined ? null : { median: sorted[(sorted.length - 1) >> 1] as number, worst }
}
