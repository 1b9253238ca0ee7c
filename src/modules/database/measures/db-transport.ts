import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findPostgres } from '../../../data/local/binaries.ts'
import { startPostgres } from '../../../data/local/postgres.ts'
import type { AsMigrator } from '../../../data/migrator.ts'
import { databases } from '../../../data/roles.ts'
import { parseDatabaseUrl, type SqlAddress, type SqlClient, withConnection } from '../../../data/sql.ts'
import { type Measure, measure } from '../../../proof/measure.ts'

/** CAST-12. The positive control is a throwaway server that does listen in clear. */
export function dbTransport(asMigrator: AsMigrator, address: SqlAddress): Measure {
  return measure({
    key: 'db.transport',
    sources: ['CAST-12'],
    family: 'transfer',
    maps: { gdpr: ['32(1)(a)'], iso27001: ['A.8.20', 'A.8.24'] },
    claim: {
      de: () => 'Die Datenbank ist nur über einen UNIX-Socket oder verschlüsselt (TLS) erreichbar.',
      en: () => 'The database is reached by UNIX socket or encrypted (TLS) only.',
    },
    async prove({ check, positiveControl, notObservable }) {
      if (!(await findPostgres()))
        notObservable(
          'NO_POSTGRES_BINARY',
          'Without Postgres here no server in clear can be set up to compare.',
        )
      await withServerInClear(async (clear) => {
        positiveControl('a server in clear takes a connection in clear', 'taken', await tryInClear(clear))
        await withConnection(clear, async (client) =>
          positiveControl('the same look sees its session in clear', 1, await sessionsInClear(client)),
        )
      })
      const clear = await asMigrator('look at how sessions are connected', sessionsInClear, databases.control)
      check('sessions by the network that are not encrypted', 0, clear)
      check('a connection in clear to the same port', 'refused', await tryInClear(address))
    },
  })
}

async function sessionsInClear(client: SqlClient): Promise<number> {
  const { rows } = await client.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM pg_stat_activity a LEFT JOIN pg_stat_ssl s USING (pid)
     WHERE a.client_addr IS NOT NULL AND NOT coalesce(s.ssl, false)`,
  )
  return rows[0]?.n ?? 0
}

/** Whoever answers, even with a refused password, has talked in clear. */
async function tryInClear(address: SqlAddress): Promise<'taken' | 'refused'> {
  const host = address.host?.startsWith('/') ? '127.0.0.1' : address.host
  try {
    await withConnection({ ...address, host, ssl: false }, async () => undefined)
    return 'taken'
  } catch (error) {
    const { code } = error as { code?: string }
    // 28000: pg_hba.conf has no line for this host without encryption.
    return code === 'ECONNREFUSED' || code === '28000' ? 'refused' : 'taken'
  }
}

async function withServerInClear(work: (address: SqlAddress) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'surety-transport-'))
  try {
    const listen = { host: '127.0.0.1', port: 0 }
    const server = await startPostgres({ dir, listen, log: () => undefined })
    try {
      const { user, database } = parseDatabaseUrl(server.url)
      await work({ host: '127.0.0.1', port: server.port, user, database, password: server.password })
    } finally {
      await server.stop()
    }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}
