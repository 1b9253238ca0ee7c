import { randomBytes } from 'node:crypto'
import type { Stores } from '../../data/index.ts'
import type { SqlClient } from '../../data/sql.ts'
import type { Clock } from '../../kernel/clock.ts'
import { defineProblem } from '../../kernel/problems.ts'
import type { ProofApi } from '../../proof/api.ts'
import type { JobsApi } from '../jobs/index.ts'
import type { ClosedTenant, TenancyApi } from '../tenancy/index.ts'
import type { VaultApi } from '../vault/index.ts'
import { keepLine, keptLines } from './keptLedger.ts'
import { commitmentOf, type Erasure, erasuresOf } from './ledger.ts'

const notYetGone = defineProblem({
  code: 'erasure-incomplete',
  status: 500,
  title: 'Something of a tenant is left',
})

const anotherTenant = defineProblem({
  code: 'erasure-mismatch',
  status: 409,
  title: 'The slug is another tenant’s now',
})

/** Erases what a module keeps of a tenant outside its store, its files and Redis. Must be safe to repeat. */
export type Purge = (tenant: ClosedTenant) => Promise<void>

export interface ErasureParts {
  stores: Stores
  tenancy: TenancyApi
  jobs: JobsApi
  vault: VaultApi
  proof: ProofApi
  /** What other modules keep, by name. */
  purges: ReadonlyMap<string, Purge>
  clock: Clock
}

/** Why a tenant is erased. */
export type Cause =
  | { because: 'time over'; suspendedBefore: Date }
  | { because: 'request'; requestId: string; tenantId: string }
  | { because: 'trial over' }

/**
 * Erases a tenant for good: no way back from the moment it resolves or is killed. Resolves to its id. Throws Problems
 * `tenant-not-found` (404) and `tenant-not-erasable` (409).
 */
export async function erase(parts: ErasureParts, slug: string, cause: Cause): Promise<string> {
  const { tenancy, clock } = parts
  const suspendedBefore = cause.because === 'time over' ? cause.suspendedBefore : null
  const { id } = await tenancy.erasing.begin(slug, suspendedBefore, (client, tenant) =>
    enter(client, tenant, cause, clock.now()),
  )
  await carryOn(parts, id)
  return id
}

/** Writes the tenant's line in the ledger. */
export async function enter(
  client: SqlClient,
  tenant: ClosedTenant,
  cause: Cause,
  begunAt: Date,
): Promise<void> {
  if (cause.because === 'request' && cause.tenantId !== tenant.id)
    throw anotherTenant(`${tenant.slug} is another tenant than the one that the request was for.`)
  const requestId = cause.because === 'request' ? cause.requestId : null
  const nonce = randomBytes(16).toString('hex')
  await writeLine(client, { ...tenant, because: cause.because, requestId, begunAt, nonce })
}

type NewLine = Omit<Erasure, 'done' | 'finishedAt' | 'record'>

async function writeLine(client: SqlClient, line: NewLine): Promise<void> {
  const { id, slug, model, database, canary, because, requestId, begunAt, nonce } = line
  await client.query(
    `INSERT INTO lifecycle.erasure (tenant_id, slug, model, database, canary, because, request_id, begun_at, nonce)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (tenant_id) DO NOTHING`,
    [id, slug, model, database, canary, because, requestId, begunAt, nonce],
  )
}

/** Carries every erasure on that a crash interrupted. Returns the ids of those that are finished now. */
export async function resume(parts: ErasureParts): Promise<string[]> {
  const open = (await erasuresOf(parts.stores.control)).filter(({ finishedAt }) => !finishedAt)
  return eachOf(open, async ({ id }) => {
    await carryOn(parts, id)
    return id
  })
}

/** What `work` gives for each; one that fails keeps no other from being done. Throws the first error in the end. */
export async function eachOf<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  const errors: unknown[] = []
  for (const item of items)
    await work(item).then(
      (result) => results.push(result),
      (error) => errors.push(error),
    )
  if (errors.length > 0) throw errors[0]
  return results
}

/**
 * Erases again whatever a restore brought back of tenants that were erased before: a backup, or the whole cluster with
 * the ledger in it. Returns what was found, by tenant id.
 */
export async function replay(parts: ErasureParts): Promise<Map<string, string[]>> {
  const found = await replayKept(parts)
  for (const erasure of await erasuresOf(parts.stores.control)) {
    const left = erasure.finishedAt ? await parts.tenancy.erasing.remains(erasure) : []
    if (left.length === 0) continue
    found.set(erasure.id, left)
    for (const step of Object.values(stepsOf(parts))) await step(erasure)
    await demandNothingLeft(parts, erasure)
  }
  return found
}

/** Erasures that the ledger knows nothing of any more, since it was set back to before them. */
async function replayKept(parts: ErasureParts): Promise<Map<string, string[]>> {
  const { stores, tenancy } = parts
  const found = new Map<string, string[]>()
  const known = new Set((await erasuresOf(stores.control)).map(({ id }) => id))
  for (const line of await keptLines(stores.files)) {
    if (known.has(line.id)) continue
    found.set(line.id, await tenancy.erasing.remains(line))
    const write = (client: SqlClient) => writeLine(client, { ...line, requestId: null })
    const [back] = await stores.control.query<{ slug: string }>(
      `SELECT slug FROM tenancy.tenant WHERE id = $1 AND state <> 'erasing'`,
      [line.id],
    )
    if (back) await tenancy.erasing.begin(back.slug, null, write)
    else await stores.asMigrator(`remember the erasure of ${line.id}`, write)
    await carryOn(parts, line.id)
  }
  return found
}

type Steps = Record<string, (tenant: ClosedTenant) => Promise<unknown>>

/** In order. Keys go before data: from then on also what lies in backups cannot be read. */
function stepsOf({ tenancy: { erasing }, jobs, vault, purges }: ErasureParts): Steps {
  const ofModules = [...purges].map(([name, purge]) => [`what ${name} keeps`, purge])
  return {
    'access and changes': (tenant) => erasing.close(tenant),
    'waiting jobs': ({ id }) => jobs.forget(id),
    'encryption keys': (tenant) => vault.destroy(tenant),
    ...Object.fromEntries(ofModules),
    'database or rows': (tenant) => erasing.dropStore(tenant),
    files: (tenant) => erasing.dropFiles(tenant),
    'keys in Redis': (tenant) => erasing.dropCache(tenant),
    'line in the registry': (tenant) => erasing.deregister(tenant),
  }
}

/** Runs the steps that are not done yet. One process at a time; another one leaves it alone. */
export async function carryOn(parts: ErasureParts, id: string): Promise<void> {
  await parts.stores.control.transaction(async (lock) => {
    // The lock dies with the connection, and so with the process.
    await lock.query('SET LOCAL idle_in_transaction_session_timeout = 0')
    await lock.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 821912304))', [id])
    const [erasure] = await erasuresOf(parts.stores.control, id)
    if (!erasure || erasure.finishedAt) return
    await keepLine(parts.stores.files, erasure)
    for (const [name, run] of Object.entries(stepsOf(parts))) {
      if (erasure.done.includes(name)) continue
      await run(erasure)
      await note(parts, id, (client) =>
        client.query('UPDATE lifecycle.erasure SET done = done || $2::text WHERE tenant_id = $1', [id, name]),
      )
    }
    await demandNothingLeft(parts, erasure)
    await finish(parts, erasure)
  })
}

async function demandNothingLeft({ tenancy }: ErasureParts, tenant: Erasure): Promise<void> {
  const left = await tenancy.erasing.remains(tenant)
  if (left.length > 0) throw notYetGone(`Of ${tenant.id} there still are ${left.join(', ')}.`)
}

async function finish(parts: ErasureParts, erasure: Erasure): Promise<void> {
  const finishedAt = parts.clock.now()
  const record = erasure.because === 'trial over' ? null : await recordOnce(parts, erasure, finishedAt)
  await note(parts, erasure.id, (client) =>
    client.query('UPDATE lifecycle.erasure SET finished_at = $2, record = $3 WHERE tenant_id = $1', [
      erasure.id,
      finishedAt,
      record,
    ]),
  )
}

/** The record in the evidence log is there once, also when a crash comes before the ledger knows of it. */
async function recordOnce(parts: ErasureParts, erasure: Erasure, finishedAt: Date): Promise<number> {
  const { stores, proof } = parts
  const subject = `erasure ${commitmentOf(erasure)}`
  const { sealer } = stores
  if (!sealer) throw notYetGone('Only a process that appends to the evidence log ends an erasure.')
  return sealer.transaction(async (client) => {
    const { rows } = await client.query<{ index: string }>(
      'SELECT index FROM proof.entry WHERE subject = $1',
      [subject],
    )
    if (rows[0]) return Number(rows[0].index)
    return proof.append(client, subject, {
      kind: 'erasure',
      tenant: commitmentOf(erasure),
      because: erasure.because,
      model: erasure.model,
      erased: Object.keys(stepsOf(parts)),
      left: [],
      begunAt: erasure.begunAt.toISOString(),
      finishedAt: finishedAt.toISOString(),
    } as { kind: string })
  })
}

/** Changes the ledger, which the migrator alone may. */
export function note(
  { stores }: ErasureParts,
  id: string,
  work: (client: SqlClient) => Promise<unknown>,
): Promise<unknown> {
  return stores.asMigrator(`note how far the erasure of ${id} is`, work)
}
