import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A Postgres setting's value; `true` becomes `on`. */
export type PostgresSettings = Record<string, string | number | boolean>

/** A TCP address to listen on besides the socket. */
export interface PostgresListen {
  host: string
  port: number
}

const SETTINGS: PostgresSettings = {
  max_connections: 200,
  shared_buffers: '128MB',
  // Short statements only: compiling them costs more than running them.
  jit: false,
  password_encryption: 'scram-sha-256',
  // One sync of the whole file system after a crash, instead of one for each file of a thousand databases.
  recovery_init_sync_method: process.platform === 'linux' ? 'syncfs' : 'fsync',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_line_prefix: '%m [%p] %q%u@%d ',
  // Statements may carry personal data, so errors are logged without them.
  log_min_error_statement: 'panic',
}

/** Writes postgresql.conf and pg_hba.conf into `home`; every start writes them anew. */
export function writePostgresConfig(options: {
  home: string
  socketFolder: string
  settings: PostgresSettings
  listen: PostgresListen | undefined
}): void {
  const { home, socketFolder, settings, listen } = options
  const all: PostgresSettings = {
    ...SETTINGS,
    listen_addresses: listen?.host ?? '',
    port: listen?.port ?? 5432,
    unix_socket_directories: socketFolder,
    hba_file: join(home, 'pg_hba.conf'),
    ...settings,
  }
  const lines = Object.entries(all).map(([name, value]) => `${name} = ${literal(value)}\n`)
  writeFileSync(join(home, 'postgresql.conf'), lines.join(''), { mode: 0o644 })
  const access = ['local all all scram-sha-256', ...(listen ? ['host all all all scram-sha-256'] : [])]
  writeFileSync(join(home, 'pg_hba.conf'), `${access.join('\n')}\n`, { mode: 0o644 })
}

function literal(value: string | number | boolean): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off'
  return `'${String(value).replaceAll("'", "''")}'`
}
