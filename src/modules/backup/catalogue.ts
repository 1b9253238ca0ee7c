import type { Database } from '../../data/index.ts'
import type { AsMigrator } from '../../data/migrator.ts'
import type { SqlResult } from '../../data/sql.ts'

/** `recent` is kept for a month or so; `archive` is the first of each longer period and kept for longer. */
export type RetentionClass = 'recent' | 'archive'

/** One line of the index of backups. */
export interface BackupRecord {
  id: string
  tenantId: string
  slug: string
  state: 'running' | 'available' | 'failed' | 'expired'
  class: RetentionClass
  startedAt: Date
  snapshotAt: Date | null
  availableAt: Date | null
  expiresAt: Date
  bytes: number | null
  failure: string | null
}

/** A backup that begins. */
export interface NewBackup {
  id: string
  tenantId: string
  slug: string
  class: RetentionClass
  startedAt: Date
  expiresAt: Date
}

/** A running backup that has not been heard of for this long (seconds) is dead. */
export const LEASE_SECONDS = 60

const COLUMNS = `id, tenant_id AS "tenantId", slug, state, class, started_at AS "startedAt", snapshot_at AS "snapshotAt",
  available_at AS "availableAt", expires_at AS "expiresAt", bytes::float8 AS bytes, failure`

/** The index of backups, in the control database. Reading needs the app role, changing the migrator's. */
export interface Catalogue {
  /** False when one of this tenant is running already. */
  begin(backup: NewBackup): Promise<boolean>
  /** Says that the backup is still being made. */
  renew(id: string): Promise<void>
  complete(id: string, done: { snapshotAt: Date; availableAt: Date; bytes: number }): Promise<void>
  fail(id: string, failure: string): Promise<void>
  expire(id: string): Promise<void>
  /** Forgets that `begin` was called: nothing was made. */
  forget(id: string): Promise<void>
  /** Deletes all lines of a tenant. For what a probe planted. */
  erase(tenantId: string): Promise<void>
  /** Running ones whose process is gone. */
  abandoned(): Promise<BackupRecord[]>
  /** Available ones, newest first; of one tenant or of all. */
  available(tenantId?: string): Promise<BackupRecord[]>
  /** Failed ones whose time is over at `now`: a lock may have held parts of them until then. */
  failedUntil(now: Date): Promise<BackupRecord[]>
  find(id: string): Promise<BackupRecord | undefined>
  /** The newest of every state, newest first. */
  newest(tenantId: string, limit: number): Promise<BackupRecord[]>
}

/** Opens the index. */
export function openCatalogue(control: Database, asMigrator: AsMigrator): Catalogue {
  const change = (reason: string, text: string, values: unknown[]): Promise<SqlResult> =>
    asMigrator(reason, (client) => client.query(text, values))
  return {
    async begin({ id, tenantId, slug, class: retention, startedAt, expiresAt }) {
      const { rowCount } = await change(
        'note that a backup begins',
        `INSERT INTO backup.backup (id, tenant_id, slug, state, class, lease_until, started_at, expires_at)
         VALUES ($1, $2, $3, 'running', $4, now() + make_interval(secs => $5), $6, $7)
         ON CONFLICT (tenant_id) WHERE state = 'running' DO NOTHING`,
        [id, tenantId, slug, retention, LEASE_SECONDS, startedAt, expiresAt],
      )
      return rowCount === 1
    },
    async renew(id) {
      await change(
        'note that a backup goes on',
        `UPDATE backup.backup SET lease_until = now() + make_interval(secs => $2) WHERE id = $1 AND state = 'running'`,
        [id, LEASE_SECONDS],
      )
    },
    async complete(id, { snapshotAt, availableAt, bytes }) {
      await change(
        'note that a backup is available',
        `UPDATE backup.backup SET state = 'available', lease_until = NULL, snapshot_at = $2, available_at = $3, bytes = $4
         WHERE id = $1 AND state = 'running'`,
        [id, snapshotAt, availableAt, bytes],
      )
    },
    async fail(id, failure) {
      await change(
        'note that a backup failed',
        `UPDATE backup.backup SET state = 'failed', lease_until = NULL, failure = $2 WHERE id = $1 AND state = 'running'`,
        [id, failure.slice(0, 500)],
      )
    },
    async expire(id) {
      await change(
        'note that a backup is gone',
        `UPDATE backup.backup SET state = 'expired', lease_until = NULL WHERE id = $1`,
        [id],
      )
    },
    async forget(id) {
      await change(
        'note that nothing was made',
        `DELETE FROM backup.backup WHERE id = $1 AND state = 'running'`,
        [id],
      )
    },
    async erase(tenantId) {
      await change('forget what was planted', 'DELETE FROM backup.backup WHERE tenant_id = $1', [tenantId])
    },
    abandoned: () =>
      control.query(`SELECT ${COLUMNS} FROM backup.backup WHERE state = 'running' AND lease_until < now()`),
    available: (tenantId) =>
      control.query(
        `SELECT ${COLUMNS} FROM backup.backup WHERE state = 'available' AND ($1::uuid IS NULL OR tenant_id = $1)
         ORDER BY snapshot_at DESC, id DESC`,
        [tenantId ?? null],
      ),
    failedUntil: (now) =>
      control.query(`SELECT ${COLUMNS} FROM backup.backup WHERE state = 'failed' AND expires_at <= $1`, [
        now,
      ]),
    find: async (id) =>
      (await control.query<BackupRecord>(`SELECT ${COLUMNS} FROM backup.backup WHERE id = $1`, [id]))[0],
    newest: (tenantId, limit) =>
      control.query(`SELECT ${COLUMNS} FROM backup.backup WHERE tenant_id = $1 ORDER BY id DESC LIMIT $2`, [
        tenantId,
        limit,
      ]),
  }
}
