import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Redis } from 'ioredis'
import { isRunning, killHard, startHolder, until } from '../../../test/support/holder.ts'
import { removeDataDirectory } from './home.ts'
import { type LocalRedis, startRedis } from './redis.ts'

const log = (): void => {}

test('the server answers on the socket with the password, and not without', async (t) => {
  const redis = await start(scratch(t))
  assert.equal(await use(redis, (client) => client.ping()), 'PONG')
  await assert.rejects(
    use({ ...redis, password: '' }, (client) => client.ping()),
    /NOAUTH|WRONGPASS/,
  )
})

test('the server listens on no port and keeps an append-only file', async (t) => {
  const redis = await start(scratch(t))
  const setting = (name: string) =>
    use(redis, async (client) => (await client.config('GET', name)) as string[])
  assert.deepEqual(await setting('port'), ['port', '0'])
  assert.deepEqual(await setting('appendonly'), ['appendonly', 'yes'])
  assert.deepEqual(await setting('appendfsync'), ['appendfsync', 'everysec'])
  assert.deepEqual(await setting('save'), ['save', ''])
})

test('the secret is closed to others and stands in no argument', async (t) => {
  const dir = scratch(t)
  const redis = await start(dir)
  assert.equal(statSync(join(dir, 'secrets/redis')).mode & 0o777, 0o600)
  assert.equal(statSync(join(redis.path, '../../redis.conf')).mode & 0o777, 0o600)
  assert.equal(statSync(redis.path).mode & 0o777, 0o700)
  if (process.platform !== 'linux') return
  assert.doesNotMatch(readFileSync(`/proc/${redis.pid}/cmdline`, 'utf8'), new RegExp(redis.password))
})

test('what was written is there after a stop', async (t) => {
  const dir = scratch(t)
  const first = await start(dir)
  await use(first, (client) => client.set('kept', 'yes'))
  await first.stop()
  const second = await start(dir)
  assert.equal(await use(second, (client) => client.get('kept')), 'yes')
})

test('a second start on the same files is refused and names the holder', async (t) => {
  const dir = scratch(t)
  await start(dir)
  await assert.rejects(startRedis({ dir, log }), {
    code: 'local-server-in-use',
    message: new RegExp(`process ${process.pid}`),
  })
})

test('the server ends when its parent is killed, and the next start works', async (t) => {
  const dir = scratch(t)
  const { process: holder, firstLine } = await startHolder(holderSource, [dir])
  assert.ok(isRunning(Number(firstLine)))
  await killHard(holder)
  const next = await start(dir)
  assert.equal(await use(next, (client) => client.ping()), 'PONG')
  await until(() => !isRunning(Number(firstLine)))
})

test('a directive the server does not know is named in the error, and the files are free again', async (t) => {
  const dir = scratch(t)
  const failing = startRedis({ dir, settings: { 'no-such-directive': 1 }, log })
  await assert.rejects(failing, { code: 'local-redis', message: /no-such-directive/ })
  await start(dir)
})

const started: LocalRedis[] = []

/** A data directory that is removed, and its server stopped, after the test. */
function scratch(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'redis-'))
  t.after(async () => {
    for (const redis of started.splice(0)) await redis.stop()
    removeDataDirectory(dir)
  })
  return dir
}

async function start(dir: string): Promise<LocalRedis> {
  const redis = await startRedis({ dir, log })
  started.push(redis)
  return redis
}

async function use<T>(redis: LocalRedis, work: (client: Redis) => Promise<T>): Promise<T> {
  const { path, password } = redis
  const client = new Redis({ path, password, maxRetriesPerRequest: 0, retryStrategy: () => null })
  client.on('error', () => {})
  try {
    return await work(client)
  } finally {
    client.disconnect()
  }
}

/** A program that starts the server on its first argument, prints its pid, and stays. */
const holderSource = `
  import { startRedis } from ${JSON.stringify(new URL('./redis.ts', import.meta.url).href)}
  const redis = await startRedis({ dir: process.argv[1], log: () => {} })
  console.log(redis.pid)
  setInterval(() => {}, 1e6)`
