import type { Database } from '../../data/index.ts'
import type { SqlClient } from '../../data/sql.ts'
import type { Clock } from '../../kernel/clock.ts'
import { newId } from '../../kernel/ids.ts'

/** A notification that this process works on. */
export interface Claimed {
  id: string
  resourceId: string
  /** Proves at the end that nobody else took it meanwhile. */
  lease: string
}

/** Where a notification stands. */
export interface Notification {
  id: string
  resourceId: string
  source: 'webhook' | 'reconcile'
  state: 'received' | 'processing' | 'done' | 'retry' | 'dead'
  receivedAt: string
  attempts: number
  error: string | null
}

/** Notifications, each kept before it is acknowledged and processed to its end. */
export interface Inbox {
  /**
   * Keeps a notification; committed when it resolves. One that waits for the same resource is this one too, since what
   * it leads to is still to be looked at. Returns the id.
   */
  receive(resourceId: string, source: Notification['source']): Promise<string>
  /** Takes it up; `done` when there is nothing left to do, `leased` when another process is at it. */
  claim(id: string): Promise<Claimed | 'done' | 'leased'>
  /** Within the transaction that also holds what the notification led to. False when another took it meanwhile. */
  finish(client: SqlClient, claimed: Claimed): Promise<boolean>
  /** To be tried again later. */
  fail(claimed: Claimed, reason: string): Promise<void>
  /** Newest first. */
  list(state: Notification['state'] | undefined, limit: number): Promise<Notification[]>
  /** Tries one again that was given up; false when there is none. */
  revive(id: string): Promise<boolean>
}

/** The inbox in the control database. An attempt may take `leaseMs` milliseconds; then it is another's. */
export function openInbox(control: Database, clock: Clock, leaseMs: number): Inbox {
  return {
    async receive(resourceId, source) {
      for (;;) {
        // A row that is being taken up is waited for, and is then no longer in the way.
        const [made] = await control.query<{ id: string }>(
          `INSERT INTO billing.inbox (id, resource_id, source, state, received_at)
           VALUES ($1, $2, $3, 'received', $4) ON CONFLICT (resource_id) WHERE state = 'received' DO NOTHING
           RETURNING id`,
          [newId(), resourceId, source, clock.now()],
        )
        if (made) return made.id
        const [there] = await control.query<{ id: string }>(
          `SELECT id FROM billing.inbox WHERE resource_id = $1 AND state = 'received'`,
          [resourceId],
        )
        if (there) return there.id
      }
    },
    async claim(id) {
      const lease = newId()
      const now = clock.now()
      const [taken] = await control.query<{ resourceId: string }>(
        `UPDATE billing.inbox SET state = 'processing', lease = $2, leased_until = $4, attempts = attempts + 1
         WHERE id = $1 AND (state IN ('received', 'retry') OR (state = 'processing' AND leased_until <= $3))
         RETURNING resource_id AS "resourceId"`,
        [id, lease, now, new Date(now.getTime() + leaseMs)],
      )
      if (taken) return { id, lease, ...taken }
      const [row] = await control.query<{ state: string }>('SELECT state FROM billing.inbox WHERE id = $1', [
        id,
      ])
      return row && row.state === 'processing' ? 'leased' : 'done'
    },
    async finish(client, { id, lease }) {
      const { rowCount } = await client.query(
        `UPDATE billing.inbox SET state = 'done', lease = NULL, leased_until = NULL, error = NULL
         WHERE id = $1 AND lease = $2`,
        [id, lease],
      )
      return rowCount === 1
    },
    async fail({ id, lease }, reason) {
      await control.query(
        `UPDATE billing.inbox SET state = 'retry', lease = NULL, leased_until = NULL, error = $3
         WHERE id = $1 AND lease = $2`,
        [id, lease, reason.slice(0, 500)],
      )
    },
    list: (state, limit) =>
      control.query<Notification>(
        `SELECT id, resource_id AS "resourceId", source, state, attempts, error,
           to_char(received_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "receivedAt"
         FROM billing.inbox WHERE $1::text IS NULL OR state = $1 ORDER BY received_at DESC LIMIT $2`,
        [state ?? null, limit],
      ),
    async revive(id) {
      const revived = await control.query(
        `UPDATE billing.inbox SET state = 'retry', received_at = $2 WHERE id = $1 AND state = 'dead' RETURNING id`,
        [id, clock.now()],
      )
      return revived.length === 1
    },
  }
}
