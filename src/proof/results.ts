import type { Check, Family, Outcome } from './measure.ts'

/** One measure as every page, file and API shows it. Derived from the evidence log alone. */
export interface MeasureResult {
  key: string
  family: Family
  outcome: Outcome
  /** Why, when the outcome is not `proven`. */
  reason: string | null
  sources: readonly string[]
  maps: Readonly<Record<string, readonly string[]>>
  claim: { de: string; en: string }
  settings: unknown
  /** ISO 8601; the last run that was proven, and the last run of all. */
  provenAt: string | null
  checkedAt: string | null
  freshUntil: string | null
  checks: Check[]
  evidence: { index: number; leafHash: string } | null
  /** Outcomes of the newest runs, newest first. */
  recent: Outcome[]
}

/** The public answer of `GET /api/v1/measures` and `surety prove --json`. */
export interface MeasuresAnswer {
  profile: string
  checkpoint: string | null
  totals: Partial<Record<Outcome, number>>
  measures: MeasureResult[]
}

/** One past run, newest first in a history; failures stay. */
export interface HistoryEntry {
  index: number
  outcome: Outcome
  reason: string | null
  startedAt: string
  endedAt: string
  failedChecks: Check[]
}
