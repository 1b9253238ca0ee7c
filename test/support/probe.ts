import { isDeepStrictEqual } from 'node:util'
import { systemClock } from '../../src/kernel/clock.ts'
import { createLog } from '../../src/kernel/log.ts'
import type { Check, Measure } from '../../src/proof/measure.ts'

/** Runs a measure's probe by itself, without schedule and log, and says what failed. */
export async function probe(measure: Measure): Promise<{ checks: Check[]; failed: string[] }> {
  const checks: Check[] = []
  const record =
    (kind: Check['kind']) =>
    (what: string, expected: unknown, observed: unknown): void => {
      checks.push({ what, expected, observed, ok: isDeepStrictEqual(observed, expected), kind })
    }
  const end = (reason: string): never => {
    throw new Error(`The probe ended without a result: ${reason}`)
  }
  await measure.prove({
    check: record('check'),
    positiveControl: record('positive-control'),
    notObservable: end,
    notApplicable: end,
    clock: systemClock,
    settings: measure.settings,
    log: createLog({ name: measure.key, level: 'silent' }),
    signal: AbortSignal.timeout(measure.timeout),
  })
  return { checks, failed: checks.filter(({ ok }) => !ok).map(({ what }) => what) }
}
