import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { probe } from '../../../../test/support/probe.ts'
import { startPostgres } from '../../../data/local/postgres.ts'
import type { AsMigrator } from '../../../data/migrator.ts'
import { parseDatabaseUrl, withConnection } from '../../../data/sql.ts'
import { dbTransport } from './db-transport.ts'

let platform: TestPlatform
before(async () => {
  platform = await testPlatform()
})
after(() => platform?.stop())

it('db.transport is green for the server of this run', async () => {
  const { asMigrator, address } = platform.stores
  assert.deepEqual((await probe(dbTransport(asMigrator, address))).failed, [])
})

it('db.transport goes red when the server listens in clear and a session uses it', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'surety-clear-'))
  const server = await startPostgres({ dir, listen: { host: '127.0.0.1', port: 0 }, log: () => undefined })
  try {
    const { user } = parseDatabaseUrl(server.url)
    const address = {
      host: '127.0.0.1',
      port: server.port,
      user,
      password: server.password,
      database: 'postgres',
    }
    const asMigrator: AsMigrator = (_reason, work) =>
      withConnection(address, (client) => work(client as never))
    const { failed } = await probe(dbTransport(asMigrator, address))
    assert.deepEqual(failed, [
      'sessions by the network that are not encrypted',
      'a connection in clear to the same port',
    ])
  } finally {
    await server.stop()
    await rm(dir, { recursive: true, force: true })
  }
})
