import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import pg from 'pg'
import { isRunning, killHard, startHolder, until } from '../../../test/support/holder.ts'
import { isRoot } from './account.ts'
import { removeDataDirectory } from './home.ts'
import { type LocalPostgres, startPostgres } from './postgres.ts'

const log = (): void => {}

test('the server answers its superuser on the socket and nobody on TCP', async (t) => {
  const postgres = await start(scratch(t))
  assert.deepEqual(await ask(postgres, 'SHOW listen_addresses'), { listen_addresses: '' })
  assert.deepEqual(await ask(postgres, 'SHOW data_checksums'), { data_checksums: 'on' })
  assert.deepEqual(await ask(postgres, 'SELECT usesuper FROM pg_user WHERE usename = current_user'), {
    usesuper: true,
  })
})

test('a wrong password is refused, also on the socket', async (t) => {
  const postgres = await start(scratch(t))
  const wrong = { ...postgres, url: postgres.url.replace(postgres.password, 'guess') }
  await assert.rejects(ask(wrong, 'SELECT 1'), { code: '28P01' })
})

test('the secret is closed to others and stands in no argument', async (t) => {
  const dir = scratch(t)
  const postgres = await start(dir)
  assert.equal(statSync(join(dir, 'secrets/postgres-superuser')).mode & 0o777, 0o600)
  assert.equal(readFileSync(join(dir, 'secrets/postgres-superuser'), 'utf8'), postgres.password)
  if (process.platform !== 'linux') return
  assert.doesNotMatch(readFileSync(`/proc/${postgres.pid}/cmdline`, 'utf8'), new RegExp(postgres.password))
})

test('what was committed is there after a stop and after a kill', async (t) => {
  const dir = scratch(t)
  const first = await start(dir)
  await ask(first, 'CREATE TABLE kept (line text)')
  await ask(first, `INSERT INTO kept VALUES ('before stop')`)
  await first.stop()
  const second = await start(dir)
  await ask(second, `INSERT INTO kept VALUES ('before kill')`)
  await second.kill()
  const third = await start(dir)
  assert.deepEqual(await ask(third, `SELECT string_agg(line, ', ') AS lines FROM kept`), {
    lines: 'before stop, before kill',
  })
})

test('a second start on the same files is refused and names the holder', async (t) => {
  const dir = scratch(t)
  await start(dir)
  await assert.rejects(startPostgres({ dir, log }), {
    code: 'local-server-in-use',
    message: new RegExp(`${process.pid}`),
  })
})

test('the server ends when its parent is killed, and the next start works', async (t) => {
  const dir = scratch(t)
  const { process: holder, firstLine } = await startHolder(holderSource(), [dir])
  const pid = Number(firstLine)
  assert.ok(isRunning(pid))
  await killHard(holder)
  const next = await start(dir)
  assert.deepEqual(await ask(next, 'SELECT 1 AS one'), { one: 1 })
  await until(() => !isRunning(pid))
})

test('making the database files can be interrupted by a kill', async (t) => {
  const dir = scratch(t)
  const { process: holder, firstLine } = await startHolder(holderSource('console.log'), [dir])
  assert.match(firstLine, /Creating the database files/)
  await until(() => readdirSync(join(dir, 'postgres')).some((name) => name.startsWith('new-')))
  await killHard(holder)
  const next = await start(dir)
  assert.deepEqual(await ask(next, 'SELECT 1 AS one'), { one: 1 })
  const rest = readdirSync(join(dir, 'postgres')).filter((name) => name.startsWith('new-'))
  assert.deepEqual(rest, [])
})

test('a stale pid file that names a living stranger does not hinder and does not harm', async (t) => {
  const dir = scratch(t)
  const first = await start(dir)
  await first.kill()
  const { process: stranger } = await startHolder('console.log(1); setInterval(() => {}, 1e6)', [])
  t.after(() => killHard(stranger))
  const pidFile = join(dir, 'postgres/cluster/postmaster.pid')
  writeFileSync(pidFile, readFileSync(pidFile, 'utf8').replace(/^\d+/, String(stranger.pid)))
  await start(dir)
  assert.ok(isRunning(stranger.pid as number))
})

test('a folder too deep for a socket path gets a short one, removed afterwards', async (t) => {
  const base = scratch(t)
  chmodSync(base, 0o711)
  const dir = join(base, 'deep'.repeat(20), 'deeper'.repeat(10))
  const postgres = await start(dir)
  assert.ok(postgres.socketDir.length < dir.length)
  assert.deepEqual(await ask(postgres, 'SELECT 1 AS one'), { one: 1 })
  await postgres.stop()
  assert.equal(statSync(postgres.socketDir, { throwIfNoEntry: false }), undefined)
})

test('below a folder closed to the server, the files go elsewhere and are removed with the directory', {
  skip: !isRoot() && 'only root starts servers as another user',
}, async (t) => {
  const closed = scratch(t)
  const dir = join(closed, 'data')
  const lines: string[] = []
  const postgres = await startPostgres({ dir, log: (line) => lines.push(line) })
  const home = join(postgres.socketDir, '..')
  assert.match(home, /^\/var\/lib\/surety\//)
  assert.match(lines.join('\n'), /cannot pass the folders above/)
  await postgres.stop()
  removeDataDirectory(dir)
  assert.equal(statSync(home, { throwIfNoEntry: false }), undefined)
})

test('a TCP address is listened on when asked for', async (t) => {
  const postgres = await start(scratch(t), { listen: { host: '127.0.0.1', port: 0 } })
  const url = `postgres://postgres:${postgres.password}@127.0.0.1:${postgres.port}/postgres`
  assert.deepEqual(await ask({ ...postgres, url }, 'SELECT 1 AS one'), { one: 1 })
})

test('settings given are the settings the server has', async (t) => {
  const postgres = await start(scratch(t), { settings: { max_connections: 17, jit: true } })
  assert.deepEqual(await ask(postgres, 'SHOW max_connections'), { max_connections: '17' })
  assert.deepEqual(await ask(postgres, 'SHOW jit'), { jit: 'on' })
})

test('a setting the server does not know is named in the error, and the files are free again', async (t) => {
  const dir = scratch(t)
  const failing = startPostgres({ dir, settings: { no_such_setting: 1 }, log })
  await assert.rejects(failing, { code: 'local-postgres', message: /no_such_setting/ })
  await start(dir)
})

test('files of a Postgres that is not installed are left alone, with a clear word', async (t) => {
  const dir = scratch(t)
  const first = await start(dir)
  await first.stop()
  writeFileSync(join(dir, 'postgres/cluster/PG_VERSION'), '9\n')
  await assert.rejects(startPostgres({ dir, log }), { message: /PostgreSQL 9, which is not installed/ })
})

const started: LocalPostgres[] = []

/** A data directory that is removed, and its server stopped, after the test. */
function scratch(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'pg-'))
  t.after(async () => {
    for (const postgres of started.splice(0)) await postgres.stop()
    removeDataDirectory(dir)
  })
  return dir
}

async function start(
  dir: string,
  options: Partial<Parameters<typeof startPostgres>[0]> = {},
): Promise<LocalPostgres> {
  const postgres = await startPostgres({ dir, log, ...options })
  started.push(postgres)
  return postgres
}

/** A program that starts the server on its first argument, prints its pid (or first what `log` prints), and stays. */
function holderSource(logTo = '() => {}'): string {
  return `
    import { startPostgres } from ${JSON.stringify(new URL('./postgres.ts', import.meta.url).href)}
    const postgres = await startPostgres({ dir: process.argv[1], log: ${logTo} })
    console.log(postgres.pid)
    setInterval(() => {}, 1e6)`
}

async function ask(postgres: Pick<LocalPostgres, 'url'>, sql: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: postgres.url })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query(sql)).rows[0]
  } finally {
    await client.end()
  }
}
