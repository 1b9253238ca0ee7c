import { sql } from 'drizzle-orm'
import type { SqlClient } from '../../data/sql.ts'
import type { Tenant } from '../tenancy/index.ts'

/** Who writes it, in the canary's audit trail. */
const ACTOR = { kind: 'system', id: 'heartbeat' } as const

/** Longer than anything is kept. */
const KEPT = '400 days'

/** Writes a sign of life into a canary; resolves to its time by the database's clock. */
export async function beat(canary: Tenant): Promise<Date> {
  const { rows } = await canary.as(ACTOR).transaction(async (db) => {
    await db.execute(sql`DELETE FROM backup.heartbeat WHERE at < now() - ${KEPT}::interval`)
    return db.execute<{ at: string }>(
      sql`INSERT INTO backup.heartbeat DEFAULT VALUES
          ON CONFLICT (tenant_id, at) DO UPDATE SET at = excluded.at RETURNING to_json(at) AS at`,
    )
  })
  return new Date(rows[0]?.at as string)
}

/** The signs of life of a canary in its store or a restored copy of it, oldest first; as the migrator. */
export async function beatsIn(client: SqlClient, tenantId: string): Promise<Date[]> {
  const { rows } = await client.query<{ at: Date }>(
    'SELECT at FROM backup.heartbeat WHERE tenant_id = $1 ORDER BY at',
    [tenantId],
  )
  return rows.map(({ at }) => at)
}
