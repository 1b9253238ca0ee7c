import type { Clock } from '../kernel/clock.ts'
import type { Language } from '../kernel/duration.ts'
import type { Log } from '../kernel/log.ts'

/** Where a measure stands in the TOM document (Art. 32 GDPR and the German TOM families). */
export type Family =
  | 'system-access'
  | 'data-access'
  | 'separation'
  | 'encryption'
  | 'transfer'
  | 'input'
  | 'availability'
  | 'recoverability'
  | 'review'

/** Outcome words (catalogue, appendix C). Only `proven` and `attested` are green. */
export type Outcome =
  | 'proven'
  | 'failed'
  | 'error'
  | 'stale'
  | 'never-run'
  | 'not-observable'
  | 'not-applicable'
  | 'attested'
  | 'attestation-expired'

/** One thing tried: what was expected and what was seen. */
export interface Check {
  /** What was tried, as a sentence a reviewer understands. */
  what: string
  expected: unknown
  observed: unknown
  ok: boolean
  /** `positive-control`: the bad state was planted and must be seen, else the probe is blind and proves nothing. */
  kind: 'check' | 'positive-control'
}

/** What a probe is handed. It touches canary tenants and scratch objects only, and leaves nothing behind. */
export interface ProbeContext<Settings> {
  /** Records one check; ok when `observed` deep-equals `expected`. Values must be JSON and free of secrets. */
  check(what: string, expected: unknown, observed: unknown): void
  /** Records a positive control, likewise. A probe without one, or with a failed one, is an `error`, never proven. */
  positiveControl(what: string, expected: unknown, observed: unknown): void
  /** Ends the probe: this cannot be seen from here. `reason` is a code such as NO_OUTSIDE_VANTAGE. */
  notObservable(reason: string, why: string): never
  /** Ends the probe: the settings say that the claim is not made. */
  notApplicable(why: string): never
  clock: Clock
  settings: Settings
  log: Log
  /** Aborts when the probe's time is over or the process drains: pass it on, clean up, return. */
  signal: AbortSignal
}

/** The claim in both languages; parameters come from the running settings. */
export type Claim<Settings> = Record<Language, (settings: Settings) => string>

/** A claim, the probe that attacks its control, and how long a proof stays fresh. */
export interface Measure<Settings = any> {
  /** As in the catalogue: `restore.drill`. */
  key: string
  /** Rows of published pages that promise this: `FEST-32`. Empty for a builder's own measure. */
  sources: readonly string[]
  family: Family
  /** Controls of standards this supports, such as `{ gdpr: ['32(1)(b)'], iso27001: ['A.8.13'] }`. */
  maps: Readonly<Record<string, readonly string[]>>
  claim: Claim<Settings>
  /** The settings that the claim's sentences and the probe use. Shown with each proof. */
  settings: Settings
  /** Milliseconds after which a proof no longer counts. */
  freshFor: number
  /** Milliseconds the probe may take. */
  timeout: number
  prove(context: ProbeContext<Settings>): Promise<void>
}

const DAY = 86_400_000

/**
 * Declares a measure. `freshFor` defaults to one day, `timeout` to one minute; settings to none.
 */
export function measure<Settings = Record<string, never>>(
  definition: Omit<Measure<Settings>, 'settings' | 'freshFor' | 'timeout'> &
    Partial<Pick<Measure<Settings>, 'settings' | 'freshFor' | 'timeout'>>,
): Measure<Settings> {
  return { settings: {} as Settings, freshFor: DAY, timeout: 60_000, ...definition }
}

/** What a module gives beside its api when it makes claims. */
export interface GivesMeasures {
  measures?: readonly Measure[]
}

/** A record of one probe run, as it stands in the evidence log. */
export interface Evidence {
  kind: 'probe-run'
  measure: string
  outcome: Extract<Outcome, 'proven' | 'failed' | 'error' | 'not-observable' | 'not-applicable'>
  /** Why, for every outcome but `proven`. */
  reason: string | null
  checks: Check[]
  claim: Record<Language, string>
  settings: unknown
  /** ISO 8601 instants. */
  startedAt: string
  endedAt: string
  freshUntil: string
  build: string
  /** Where the probe looked from: host name and process kind. */
  vantage: string
}
