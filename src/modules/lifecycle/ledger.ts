import { createHash } from 'node:crypto'
import type { Database, Stores } from '../../data/index.ts'
import { defineProblem } from '../../kernel/problems.ts'
import type { ProofApi } from '../../proof/api.ts'
import type { ClosedTenant } from '../tenancy/index.ts'

const noErasure = defineProblem({ code: 'erasure-unknown', status: 404, title: 'No such erasure' })

/** One line of the ledger. */
export interface Erasure extends ClosedTenant {
  because: 'time over' | 'request' | 'trial over'
  requestId: string | null
  begunAt: Date
  /** Names of the steps that are finished. */
  done: string[]
  finishedAt: Date | null
  nonce: string
  /** Where its record stands in the evidence log. */
  record: number | null
}

/** The ledger, oldest first, or one tenant's line of it. */
export async function erasuresOf(control: Database, id?: string): Promise<Erasure[]> {
  const rows = await control.query<Erasure & { record: string | null }>(
    `SELECT tenant_id AS id, slug, model, database, canary, because, request_id AS "requestId", begun_at AS "begunAt", done,
       finished_at AS "finishedAt", nonce, record
     FROM lifecycle.erasure WHERE $1::uuid IS NULL OR tenant_id = $1 ORDER BY begun_at`,
    [id ?? null],
  )
  return rows.map((row) => ({ ...row, record: row.record === null ? null : Number(row.record) }))
}

/** Names a tenant in the public log to those alone who have its receipt: SHA-256 over nonce and id. */
export function commitmentOf({ id, nonce }: Pick<Erasure, 'id' | 'nonce'>): string {
  return createHash('sha256').update(`${nonce}.${id}`).digest('hex')
}

/** What the customer gets: that all is gone, since when, and the proof that can be checked without us. */
export interface Receipt {
  format: 'surety-erasure/1'
  tenant: { id: string; slug: string }
  because: string
  begunAt: string
  finishedAt: string
  erased: string[]
  /** SHA-256 over `<nonce>.<id>`; `tenant` in the record of the log. */
  nonce: string
  commitment: string
  /** As downloaded from the log: `surety verify` checks it offline. */
  proof: Awaited<ReturnType<ProofApi['bundle']>>
}

/** The receipt of a finished erasure. Throws a Problem `erasure-unknown` (404). */
export async function receiptOf(
  { stores, proof }: { stores: Stores; proof: ProofApi },
  id: string,
): Promise<Receipt> {
  const [found] = await erasuresOf(stores.control, id)
  if (!found?.finishedAt || found.record === null)
    throw noErasure(`Tenant ${id} was not erased, or not to the end yet.`)
  const { slug, because, begunAt, finishedAt, done, nonce, record } = found
  return {
    format: 'surety-erasure/1',
    tenant: { id, slug },
    because,
    begunAt: begunAt.toISOString(),
    finishedAt: finishedAt.toISOString(),
    erased: done,
    nonce,
    commitment: commitmentOf(found),
    proof: await proof.bundle(record),
  }
}
