import type { Stores } from '../../../data/index.ts'
import { roles } from '../../../data/roles.ts'
import { keepSecret } from '../../../data/secrets.ts'
import { type SqlClient, withConnection } from '../../../data/sql.ts'
import type { RunOptions } from './pgBackRest.ts'

/** The running server, as pgBackRest has to know it. */
export interface ClusterServer {
  /** Its database files. */
  cluster: string
  archiveMode: string
  archiveCommand: string
  /** Milliseconds after which a segment is handed on though it is not full; 0 for never. */
  archiveEvery: number
  /** Bytes of one segment of the log. */
  segmentSize: number
  /** Bytes of all its databases. */
  size: number
}

/** Asks the server about itself, as the role that pgBackRest logs in as. */
export async function describeServer(stores: Stores): Promise<ClusterServer> {
  const described = await asPitr(stores, async (client) => {
    const { rows } = await client.query<Omit<ClusterServer, 'size'>>(
      `SELECT current_setting('data_directory') AS cluster, current_setting('archive_mode') AS "archiveMode",
         current_setting('archive_command') AS "archiveCommand",
         (1000 * extract(epoch FROM current_setting('archive_timeout')::interval))::float8 AS "archiveEvery",
         pg_size_bytes(current_setting('wal_segment_size'))::float8 AS "segmentSize"`,
    )
    return rows[0] as Omit<ClusterServer, 'size'>
  })
  const size = await stores.asMigrator('see how large the cluster is', async (client) => {
    const { rows } = await client.query<{ size: number }>(
      'SELECT sum(pg_database_size(oid))::float8 AS size FROM pg_database',
    )
    return rows[0]?.size ?? 0
  })
  return { ...described, size }
}

/** Runs `work` as the role that pgBackRest logs in as, in the database that it uses. */
export function asPitr<T>(stores: Stores, work: (client: SqlClient) => Promise<T>): Promise<T> {
  const { address } = stores
  return withConnection(
    { ...address, user: roles.pitr, password: passwordOf(stores), database: 'postgres' },
    work,
  )
}

/** How a command of pgBackRest that talks to the server finds it. */
export function connecting(
  stores: Stores,
  { cluster }: ClusterServer,
): Required<Pick<RunOptions, 'args' | 'password'>> {
  const { host, port } = stores.address
  return {
    args: [
      `--pg1-path=${cluster}`,
      `--pg1-socket-path=${host}`,
      `--pg1-port=${port}`,
      `--pg1-user=${roles.pitr}`,
      '--pg1-database=postgres',
    ],
    password: passwordOf(stores),
  }
}

const passwordOf = ({ secrets }: Stores): string => keepSecret(secrets, 'pitr-password')
