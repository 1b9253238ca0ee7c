import type { Database } from '../../data/index.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { BillingSettings } from './settings.ts'

/** What the sweeper works with. */
export interface SweepParts {
  control: Database
  clock: Clock
  log: Log
  settings: Pick<BillingSettings, 'sweepAfter' | 'giveUpAfter' | 'keepDone'>
  /** Sees to it that there is a job for this notification, once. */
  enqueue(id: string): Promise<void>
}

const MOST = 500

/**
 * Has a job again for every notification that nobody works on, gives up, with an alarm, what cannot be processed for too
 * long, and removes what is long done. Safe to run in several processes at once.
 */
export async function sweep(parts: SweepParts): Promise<void> {
  const { control, clock, settings } = parts
  const now = clock.now()
  const before = (ms: number) => new Date(now.getTime() - ms)
  await giveUp(parts, before(settings.giveUpAfter))
  await queueOrphans(parts)
  await control.query(`DELETE FROM billing.inbox WHERE state = 'done' AND received_at < $1`, [
    before(settings.keepDone),
  ])
  await keepPulse(control, 'sweep', now)
}

/** Finds notifications that are open and in nobody's hands: their process died, or Redis lost their job. */
export async function queueOrphans({
  control,
  clock,
  settings,
  enqueue,
}: Omit<SweepParts, 'log' | 'settings'> & { settings: { sweepAfter: number } }): Promise<void> {
  const now = clock.now()
  const due = new Date(now.getTime() - settings.sweepAfter)
  await control.transaction(async (client) => {
    const { rows } = await client.query<{ id: string }>(
      `SELECT id FROM billing.inbox
       WHERE state IN ('received', 'processing', 'retry') AND received_at <= $1
         AND (leased_until IS NULL OR leased_until <= $2)
       ORDER BY received_at LIMIT ${MOST} FOR UPDATE SKIP LOCKED`,
      [due, now],
    )
    for (const { id } of rows) await enqueue(id)
  })
}

async function giveUp({ control, log, clock }: SweepParts, receivedBefore: Date): Promise<void> {
  const dead = await control.query<{ id: string; resource_id: string; error: string | null }>(
    `UPDATE billing.inbox SET state = 'dead', lease = NULL, leased_until = NULL
     WHERE state IN ('received', 'processing', 'retry') AND received_at < $1
       AND (leased_until IS NULL OR leased_until <= $2)
     RETURNING id, resource_id, error`,
    [receivedBefore, clock.now()],
  )
  for (const { id, resource_id: resource, error } of dead)
    log.error({ alarm: 'billing-dead', id, resource, reason: error }, 'a payment notification was given up')
}

/** When the sweep last ran to its end, anywhere. */
export async function lastSweep(control: Database): Promise<Date | undefined> {
  const [row] = await control.query<{ at: Date }>(`SELECT at FROM billing.pulse WHERE name = 'sweep'`)
  return row?.at
}

/** Notes when something last ran to its end. */
export async function keepPulse(control: Database, name: string, at: Date): Promise<void> {
  await control.query(
    'INSERT INTO billing.pulse (name, at) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET at = excluded.at',
    [name, at],
  )
}
