import type { SqlClient } from '../data/sql.ts'
import type { ProofBundle } from './evidence/log.ts'
import type { Evidence, Measure } from './measure.ts'
import type { HistoryEntry, MeasureResult, MeasuresAnswer } from './results.ts'

/** What pages, CLI and API read and run. */
export interface ProofApi {
  /** Names the measures of this deployment; called once when all modules have started. */
  register(measures: readonly Measure[]): void
  measures(): readonly Measure[]
  /** Every measure with its outcome from the log; a record that no longer matches its leaf hash is an `error`. */
  results(): Promise<MeasuresAnswer>
  result(key: string): Promise<MeasureResult | undefined>
  /** Newest first. */
  history(key: string, limit: number): Promise<HistoryEntry[]>
  /** The offline-verifiable bundle of one record. Throws a Problem `evidence-not-found` (404). */
  bundle(index: number): Promise<ProofBundle>
  /** The signed checkpoint note, the log's verifier key and the witness's if there is one; null before the first record. */
  checkpoint(): Promise<{ note: string; logKey: string; witnessKey: string | null } | null>
  /**
   * Runs one measure's probe now and appends its evidence. Two runs of one measure never overlap, in any process.
   * Only in a process that holds the log's signing key; elsewhere throws a Problem `proof-read-only`.
   */
  run(key: string): Promise<Evidence>
  /**
   * Appends a record that is no probe run, in the transaction of `client` (the sealer's): it is in the log when that
   * commits. `kind` must not be one of ours. Throws a Problem `proof-read-only` where the log's key is not.
   */
  append(client: SqlClient, subject: string, record: { kind: string }): Promise<number>
  /** Records of any kind under `subject`, newest first; `intact`: the newest checkpoint signs exactly this record. */
  records<Kind extends { kind: string }>(subject: string, limit: number): Promise<LogRecord<Kind>[]>
}

/** A record of the log with where it stands. */
export interface LogRecord<Kind> {
  index: number
  record: Kind
  intact: boolean
}
