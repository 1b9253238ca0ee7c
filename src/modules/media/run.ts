import type { FileHandle } from 'node:fs/promises'
import type { z } from 'zod'
import type { Log } from '../../kernel/log.ts'
import { Problem } from '../../kernel/problems.ts'
import type { Tenant } from '../tenancy/index.ts'
import type { Walls } from './confinement.ts'
import { badAnswer } from './problems.ts'
import type { Turns } from './turns.ts'
import { runWorker } from './worker.ts'

/** Work on what a tenant uploaded, to be done where it can harm nobody else. */
export interface Call<Schema extends z.ZodType> {
  /** A module whose default export is called with `input` and what it is given. It lies in a folder of its own. */
  worker: URL
  /** Anything that can be cloned, bytes too. */
  input?: unknown
  /** Paths of the tenant's files that the worker is handed, open for reading. It sees no others, and no folder. */
  files?: readonly string[]
  /** What the answer has to be: JSON that comes from a process which foreign files may have taken over. */
  answer: Schema
  /** Milliseconds until it is ended; 10 s unless it says otherwise. */
  timeout?: number
  /** MB of JavaScript's heap; 128 unless it says otherwise. */
  memory?: number
  signal?: AbortSignal
}

/**
 * Runs a worker in a process of its own, confined as the setting `media.sandbox` says, and resolves to its answer.
 * Throws a Problem: `file-not-found`; `sandbox-worker` when the worker threw; `sandbox-timeout`, `sandbox-memory`,
 * `sandbox-died`, `sandbox-answer` (all 422: it is the file's fault); `sandbox-busy` (503).
 */
export type Run = <Schema extends z.ZodType>(tenant: Tenant, call: Call<Schema>) => Promise<z.output<Schema>>

const TIMEOUT = 10_000
const MEMORY = 128

export function openRun(parts: {
  walls: Walls
  turns: Turns
  secrets: readonly string[]
  /** Aborts when this process ends. */
  ending: AbortSignal
  log: Log
}): Run {
  const { walls, turns, secrets, ending, log } = parts
  return async (tenant, call) => {
    const { worker, input, files = [], answer, timeout = TIMEOUT, memory = MEMORY } = call
    const signal = call.signal ? AbortSignal.any([call.signal, ending]) : ending
    const giveBack = await turns.take(tenant.id, signal)
    const handed: Record<string, FileHandle> = {}
    try {
      for (const path of files) handed[path] = await tenant.files.openHandle(path)
      const told = await runWorker(walls, { worker, input, files: handed, timeout, memory, secrets, signal })
      const { success, data, error } = answer.safeParse(told)
      if (!success) throw badAnswer('The answer is not what was asked for.', { cause: error })
      return data
    } catch (error) {
      if (error instanceof Problem && error.code.startsWith('sandbox-'))
        log.warn({ tenantId: tenant.id, code: error.code, cause: error.cause }, 'a foreign file was not read')
      throw error
    } finally {
      for (const handle of Object.values(handed)) await handle.close()
      giveBack()
    }
  }
}
