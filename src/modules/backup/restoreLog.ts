import type { Stores } from '../../data/index.ts'
import { LEASE_SECONDS } from './catalogue.ts'

const RENEW_MS = 15_000

/** One line of the restores. */
export interface RestoreRecord {
  id: string
  backupId: string
  tenantId: string
  slug: string
  state: 'running' | 'done' | 'failed'
  changing: boolean
  attempt: number
  startedAt: Date
  endedAt: Date | null
  /** Phase to milliseconds. */
  phases: Record<string, number>
  failure: string | null
}

const COLUMNS = `id, backup_id AS "backupId", tenant_id AS "tenantId", slug, state, changing, attempt,
  started_at AS "startedAt", ended_at AS "endedAt", phases, failure`

/** What is known of restores, in the control database. */
export interface RestoreLog {
  /** False when one of this tenant is running already. */
  begin(restore: Pick<RestoreRecord, 'id' | 'backupId' | 'tenantId' | 'slug' | 'startedAt'>): Promise<boolean>
  /** Says that the restore is alive for as long as `work` takes. */
  keepAlive<T>(id: string, work: () => Promise<T>): Promise<T>
  /** From here on the tenant is changed. */
  changing(id: string): Promise<void>
  end(
    id: string,
    state: 'done' | 'failed',
    phases: Record<string, number>,
    failure: string | null,
  ): Promise<void>
  /** Takes over those whose process is gone; nobody else does then. */
  takeAbandoned(): Promise<RestoreRecord[]>
  /** Newest first. */
  newest(limit: number): Promise<RestoreRecord[]>
}

/** Opens the log of restores. */
export function openRestoreLog({ control, asMigrator }: Stores): RestoreLog {
  const change = (reason: string, text: string, values: unknown[]) =>
    asMigrator(reason, (client) => client.query(text, values))
  const renew = (id: string) =>
    change(
      'note that a restore goes on',
      `UPDATE backup.restore SET lease_until = now() + make_interval(secs => $2) WHERE id = $1 AND state = 'running'`,
      [id, LEASE_SECONDS],
    )
  return {
    async begin({ id, backupId, tenantId, slug, startedAt }) {
      const { rowCount } = await change(
        'note that a restore begins',
        `INSERT INTO backup.restore (id, backup_id, tenant_id, slug, state, started_at, lease_until)
         VALUES ($1, $2, $3, $4, 'running', $5, now() + make_interval(secs => $6))
         ON CONFLICT (tenant_id) WHERE state = 'running' DO NOTHING`,
        [id, backupId, tenantId, slug, startedAt, LEASE_SECONDS],
      )
      return rowCount === 1
    },
    async keepAlive(id, work) {
      const renewing = setInterval(() => void renew(id).catch(() => undefined), RENEW_MS)
      try {
        return await work()
      } finally {
        clearInterval(renewing)
      }
    },
    async changing(id) {
      await change(
        'note that a restore changes its tenant',
        'UPDATE backup.restore SET changing = true WHERE id = $1',
        [id],
      )
    },
    async end(id, state, phases, failure) {
      await change(
        'note how a restore ended',
        `UPDATE backup.restore SET state = $2, phases = $3, failure = $4, ended_at = now(), lease_until = NULL
         WHERE id = $1 AND state = 'running'`,
        [id, state, JSON.stringify(phases), failure?.slice(0, 500) ?? null],
      )
    },
    async takeAbandoned() {
      const { rows } = await change(
        'take over restores whose process is gone',
        `UPDATE backup.restore SET attempt = attempt + 1, lease_until = now() + make_interval(secs => $1)
         WHERE state = 'running' AND lease_until < now() RETURNING ${COLUMNS}`,
        [LEASE_SECONDS],
      )
      return rows as RestoreRecord[]
    },
    newest: (limit) =>
      control.query(`SELECT ${COLUMNS} FROM backup.restore ORDER BY id DESC LIMIT $1`, [limit]),
  }
}
