import { type DrillReport, medianAndWorst } from './drillLog.ts'

/** What a number of drills measured, in milliseconds. Those that failed count as failed, and with the time they took. */
export interface DrillSummary {
  /** Newest first. */
  drills: DrillReport[]
  failed: number
  rtoMs: { median: number; worst: number } | null
  rpoMs: { median: number; worst: number } | null
  /** Projected to the largest tenant. */
  largestRtoMs: { median: number; worst: number } | null
}

/** Sums up drills. */
export function summarise(drills: DrillReport[]): DrillSummary {
  return {
    drills,
    failed: drills.filter(({ passed }) => !passed).length,
    rtoMs: medianAndWorst(drills.map(({ rtoMs }) => rtoMs)),
    rpoMs: medianAndWorst(drills.map(({ rpoMs }) => rpoMs)),
    largestRtoMs: medianAndWorst(drills.map(({ largestRtoMs }) => largestRtoMs)),
  }
}
