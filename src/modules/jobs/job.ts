import type { z } from 'zod'
import type { Tenant } from '../tenancy/index.ts'
import type { Drill } from './drill.ts'
import type { Trial } from './trial.ts'

/** A kind of background work. What it does must be safe to repeat: a worker may die after the work and before saying so. */
export interface JobDefinition<Schema extends z.ZodType> {
  /** `<module>.<what>`, such as `billing.event`; also the name of its queue. */
  name: string
  /** What one job is about. JSON, without secrets: it stands in Redis. */
  data: Schema
  /** How often it is tried in all; without it, the setting `jobs.attempts`. */
  attempts?: number
  /** How many of this kind one process runs at a time; 1 unless it says otherwise. */
  concurrency?: number
  /** Rejects to be tried again later. */
  run(data: z.output<Schema>, job: RunningJob): Promise<void>
}

export type AnyJob = JobDefinition<any>

/** What the work is handed beside its data. */
export interface RunningJob {
  id: string
  /**
   * The tenant that it was added for, in its own sealed context, where the job's kind is the one who acts; null for work
   * of the deployment itself.
   */
  tenant: Tenant | null
  /** Counts from 1. */
  attempt: number
  /** Shows how far it is: `done` of `total` steps. */
  progress(done: number, total: number): Promise<void>
  /** Aborts when the process is about to end: stop, reject, and another process begins the job anew. */
  signal: AbortSignal
}

/** Where jobs of one kind are added. */
export interface JobQueue<Data> {
  /**
   * Adds a job and returns its id. With an `id` of the caller's (not a number, no `:`) it is there once: nothing happens
   * while it waits or runs, and one that died is tried again. `delay` in milliseconds. Throws a Problem
   * `jobs-unavailable` (503) within two seconds or so when Redis is away: it was then not added, or, when the answer
   * alone was lost, it was.
   */
  add(tenant: Tenant | null, data: Data, options?: { id?: string; delay?: number }): Promise<string>
}

/** A job that was given up. Its data is not shown: it may be a person's. */
export interface DeadJob {
  kind: string
  id: string
  /** Slug; null for work of the deployment itself. */
  tenant: string | null
  attempts: number
  /** What the last attempt failed with. */
  reason: string
  /** ISO 8601. */
  diedAt: string
}

/** Jobs of one kind by where they stand. */
export interface JobCounts {
  kind: string
  waiting: number
  running: number
  /** Waiting for their time, most of them for another attempt. */
  delayed: number
  dead: number
  /** How far the running ones are. */
  progress: { id: string; tenant: string | null; done: number; total: number }[]
}

/** What other modules, pages and the command line get from jobs. */
export interface JobsApi {
  /** Declares a kind of work, at start; every process that runs jobs then runs it. */
  define<Schema extends z.ZodType>(definition: JobDefinition<Schema>): JobQueue<z.input<Schema>>
  /**
   * Runs `run` every `ms` milliseconds in each process that runs jobs, never twice at a time in one of them: what needs
   * to be done once takes its own lock. It depends on no queue, so it can mend one.
   */
  every(name: string, ms: number, run: (signal: AbortSignal) => Promise<void>): void
  /** Begins to run jobs in this process. */
  work(): Promise<void>
  /** Takes no further job; those that run are aborted after `patience` milliseconds and left to another process. */
  drain(patience: number): Promise<void>
  counts(): Promise<JobCounts[]>
  /** Newest first. */
  dead(limit: number): Promise<DeadJob[]>
  /** Throws a Problem `job-not-dead` (404). */
  retry(kind: string, id: string): Promise<void>
  /** Throws a Problem `job-not-dead` (404). */
  discard(kind: string, id: string): Promise<void>
  /** Removes whatever waits or died for a tenant; returns how many. Those that run end as they end. */
  forget(tenantId: string): Promise<number>
  /** Queues beside the deployment's own, for probes. */
  trial(): Promise<Trial>
  /** A job that stays in a worker's hands, for probes that end the worker. */
  drill(): Promise<Drill>
}
