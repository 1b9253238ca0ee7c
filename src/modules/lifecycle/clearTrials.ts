import { carryOn, type ErasureParts, enter, erase, note } from './erasure.ts'
import { erasuresOf } from './ledger.ts'

/** No probe takes longer (ms). */
const LONGEST_TRIAL = 3_600_000

/** Canaries are forgotten a day after they were erased. */
const CANARY_LINES = 86_400_000

/** Ends trials that a crash of their probe left behind, and forgets what was noted of older ones. */
export async function clearTrials(parts: ErasureParts): Promise<void> {
  const { tenancy, stores, clock } = parts
  const now = clock.now().getTime()
  for (const { slug, startedAt } of await tenancy.canaries.trials())
    if (now - startedAt.getTime() > LONGEST_TRIAL) await erase(parts, slug, { because: 'trial over' })
  await adopt(parts)
  const before = new Date(now - CANARY_LINES)
  await stores.asMigrator('forget canaries that were erased', (client) =>
    client.query(
      `WITH gone AS (DELETE FROM lifecycle.erasure WHERE canary AND finished_at < $1 RETURNING request_id)
       DELETE FROM lifecycle.request WHERE id IN (SELECT request_id FROM gone)`,
      [before],
    ),
  )
}

/** Canaries that a probe of another module began to remove without a line in the ledger, and was killed. */
async function adopt(parts: ErasureParts): Promise<void> {
  const { tenancy, stores, clock } = parts
  const known = new Set((await erasuresOf(stores.control)).map(({ id }) => id))
  for (const tenant of (await tenancy.erasing.begun()).filter(({ id, canary }) => canary && !known.has(id))) {
    await note(parts, tenant.id, (client) => enter(client, tenant, { because: 'trial over' }, clock.now()))
    await carryOn(parts, tenant.id)
  }
}
