import assert from 'node:assert/strict'
import { accessSync, constants, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ensureServers, findPostgres, findRedis } from './binaries.ts'

const skip = process.env.DATABASE_URL !== undefined && 'the run uses servers from elsewhere'

test('the Postgres that is found is new enough and complete', { skip }, () => {
  const found = findPostgres()
  assert.ok(found && found.major >= 15)
  for (const name of ['postgres', 'initdb']) accessSync(join(found.folder, name), constants.X_OK)
})

test('a Postgres of a certain version is only found when it is that version', { skip }, () => {
  const present = findPostgres()?.major
  assert.equal(findPostgres(present)?.major, present)
  assert.equal(findPostgres(9), undefined)
})

test('the Redis that is found can be executed', { skip }, () => {
  accessSync(findRedis() ?? '', constants.X_OK)
})

test('a Postgres on the PATH is found outside the usual folders', { skip }, (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'bin-'))
  const path = process.env.PATH
  t.after(() => {
    process.env.PATH = path
    rmSync(folder, { recursive: true })
  })
  for (const name of ['postgres', 'initdb'])
    symlinkSync(join(findPostgres()?.folder ?? '', name), join(folder, name))
  process.env.PATH = folder
  assert.equal(findPostgres()?.folder, folder)
})

test('nothing is installed and nothing said when the servers are there', { skip }, async () => {
  const lines: string[] = []
  await ensureServers(['postgres', 'redis'], (line) => lines.push(line))
  assert.deepEqual(lines, [])
})
