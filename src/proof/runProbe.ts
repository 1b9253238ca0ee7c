import { hostname } from 'node:os'
import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import { type Span, traced } from '../kernel/trace.ts'
import type { Check, Evidence, Measure } from './measure.ts'

/** Thrown by `notObservable` and `notApplicable` to end a probe. */
class Ended extends Error {
  readonly outcome: 'not-observable' | 'not-applicable'
  constructor(outcome: Ended['outcome'], reason: string) {
    super(reason)
    this.outcome = outcome
  }
}

/**
 * Runs one probe and says what it showed. Proven: at least one check and one positive control, all as expected. Failed:
 * a check was not. Error: the probe threw, ran out of time, or a positive control was not seen, so it proves nothing.
 */
export function runProbe(measure: Measure, context: ProbeParts): Promise<Evidence> {
  return traced(
    () => ({
      name: `probe ${measure.key}`,
      kind: 'internal',
      attributes: { 'surety.measure.key': measure.key },
    }),
    async (span) => tellOutcome(span, await probe(measure, context)),
  )
}

interface ProbeParts {
  clock: Clock
  log: Log
  build: string
}

function tellOutcome(span: Span | undefined, evidence: Evidence): Evidence {
  const { outcome } = evidence
  span?.set({ 'surety.measure.outcome': outcome })
  if (outcome === 'failed' || outcome === 'error') span?.fail(outcome)
  return evidence
}

async function probe(measure: Measure, context: ProbeParts): Promise<Evidence> {
  const checks: Check[] = []
  const startedAt = context.clock.now()
  const ending = await attack(measure, checks, context)
  const endedAt = context.clock.now()
  return {
    kind: 'probe-run',
    measure: measure.key,
    ...judge(checks, ending),
    checks,
    claim: { de: measure.claim.de(measure.settings), en: measure.claim.en(measure.settings) },
    settings: measure.settings,
    startedAt: startedAt.toISOString(),
    endedAt: endedAt.toISOString(),
    freshUntil: new Date(endedAt.getTime() + measure.freshFor).toISOString(),
    build: context.build,
    vantage: `${hostname()}, process ${process.title.split(' ')[0]}`,
  }
}

async function attack(measure: Measure, checks: Check[], context: ProbeParts): Promise<unknown> {
  const signal = AbortSignal.timeout(measure.timeout)
  const record = (kind: Check['kind']) => (what: string, expected: unknown, observed: unknown) => {
    checks.push({
      what,
      expected,
      observed: observed ?? null,
      ok: isDeepStrictEqual(observed, expected),
      kind,
    })
  }
  const outOfTime = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () =>
      reject(new Error(`The probe did not end within ${measure.timeout} ms.`)),
    )
  })
  const proving = measure.prove({
    check: record('check'),
    positiveControl: record('positive-control'),
    notObservable: (reason, why) => {
      throw new Ended('not-observable', `${reason}: ${why}`)
    },
    notApplicable: (why) => {
      throw new Ended('not-applicable', why)
    },
    clock: context.clock,
    settings: measure.settings,
    log: context.log.child({ measure: measure.key }),
    signal,
  })
  return Promise.race([proving, outOfTime]).then(
    () => undefined,
    (error: unknown) => error,
  )
}

function judge(checks: readonly Check[], ending: unknown): Pick<Evidence, 'outcome' | 'reason'> {
  const failed = checks.find(({ ok, kind }) => !ok && kind === 'check')
  const blind = checks.find(({ ok, kind }) => !ok && kind === 'positive-control')
  if (failed) return { outcome: 'failed', reason: failed.what }
  if (ending instanceof Ended) return { outcome: ending.outcome, reason: ending.message }
  if (ending !== undefined) return { outcome: 'error', reason: messageOf(ending) }
  if (blind)
    return {
      outcome: 'error',
      reason: `The probe is blind, its positive control was not seen: ${blind.what}`,
    }
  const has = (kind: Check['kind']) => checks.some((check) => check.kind === kind)
  if (!has('check') || !has('positive-control')) {
    return {
      outcome: 'error',
      reason: 'The probe made no check, or none with a positive control: it proves nothing.',
    }
  }
  return { outcome: 'proven', reason: null }
}

/** The error's own sentence: causes may hold queries and values, which do not belong into a public log. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return 'The probe threw something that is no error.'
  return error.message.startsWith('Failed query')
    ? 'A query of the probe failed.'
    : error.message.slice(0, 500)
}
