import type { Entry } from './evidence/log.ts'
import { leafHash } from './evidence/merkle.ts'
import type { Evidence, Measure } from './measure.ts'
import type { HistoryEntry, MeasureResult } from './results.ts'

/** What the newest records of a measure (newest first) say about it at `now`. Evidence alone decides. */
export function deriveResult(
  measure: Measure,
  entries: readonly Entry[],
  intact: boolean,
  now: Date,
): MeasureResult {
  const runs = entries.map((entry) => JSON.parse(entry.leaf.toString()) as Evidence)
  const [newest] = runs
  const [entry] = entries
  return {
    key: measure.key,
    family: measure.family,
    ...stand(newest, intact, now),
    sources: measure.sources,
    maps: measure.maps,
    claim: { de: measure.claim.de(measure.settings), en: measure.claim.en(measure.settings) },
    settings: measure.settings,
    provenAt: runs.find(({ outcome }) => outcome === 'proven')?.endedAt ?? null,
    checkedAt: newest?.endedAt ?? null,
    freshUntil: newest?.freshUntil ?? null,
    checks: newest?.checks ?? [],
    evidence: entry ? { index: entry.index, leafHash: leafHash(entry.leaf).toString('hex') } : null,
    recent: runs.map(({ outcome }) => outcome),
  }
}

/** One past run for the history. */
export function deriveHistory(entry: Entry): HistoryEntry {
  const run = JSON.parse(entry.leaf.toString()) as Evidence
  const { outcome, reason, startedAt, endedAt } = run
  return {
    index: entry.index,
    outcome,
    reason,
    startedAt,
    endedAt,
    failedChecks: run.checks.filter(({ ok }) => !ok),
  }
}

function stand(
  newest: Evidence | undefined,
  intact: boolean,
  now: Date,
): Pick<MeasureResult, 'outcome' | 'reason'> {
  if (!newest) return { outcome: 'never-run', reason: 'The probe has not run yet.' }
  if (!intact)
    return {
      outcome: 'error',
      reason: 'The stored record differs from the one that the evidence log sealed.',
    }
  if (new Date(newest.freshUntil) < now) {
    return { outcome: 'stale', reason: `The last proof was good until ${newest.freshUntil}.` }
  }
  return { outcome: newest.outcome, reason: newest.reason }
}
