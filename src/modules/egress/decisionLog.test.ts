import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, it } from 'node:test'
import type { Clock } from '../../kernel/clock.ts'
import { createLog } from '../../kernel/log.ts'
import type { Decision } from './decide.ts'
import { openDecisionLog } from './decisionLog.ts'

const folder = mkdtempSync(join(tmpdir(), 'surety-decisions-'))
after(() => rmSync(folder, { recursive: true }))

let at = '2026-03-01T23:59:00.000Z'
const clock: Clock = { now: () => new Date(at) }
const warned: string[] = []
const destination = { write: (line: string) => void warned.push(JSON.parse(line).host) }
const log = createLog({ name: 't', level: 'warn', destination })
const DAY = 86_400_000

beforeEach(() => {
  warned.length = 0
  for (const name of readdirSync(folder)) rmSync(join(folder, name))
})

const open = () => openDecisionLog(folder, { clock, log, keepFor: 2 * DAY })

const decision = (host: string, verdict: Decision['verdict'] = 'refused'): Decision => ({
  caller: 'm/-/p',
  host,
  port: 443,
  addresses: [],
  verdict,
  reason: 'not-registered',
})

it('gives the newest first, past a line that a crash tore', () => {
  at = '2026-03-01T10:00:00.000Z'
  open().record(decision('a.example'), 'client')
  appendFileSync(join(folder, '2026-03-01.client.jsonl'), '{"at":"2026-03-01T10:0')
  at = '2026-03-02T10:00:00.000Z'
  open().record(decision('b.example', 'allowed'), 'proxy')
  assert.deepEqual(
    open()
      .recent(10)
      .map(({ by, host }) => `${by} ${host}`),
    ['proxy b.example', 'client a.example'],
  )
})

it('warns of what was not plainly allowed, but not of what only a probe can ask for', () => {
  for (const host of ['a.example', 'x.invalid', '192.0.2.1', '2001:db8::1'])
    open().record(decision(host), 'client')
  open().record(decision('fine.example', 'allowed'), 'client')
  open().record(decision('b.example', 'reported'), 'client')
  assert.deepEqual(warned, ['a.example', 'b.example'])
})

it('follows what another process writes, over midnight, without what was there before', () => {
  at = '2026-03-01T23:59:00.000Z'
  const theirs = openDecisionLog(folder, {
    clock,
    log: createLog({ name: 't', level: 'silent' }),
    keepFor: DAY,
  })
  const ours = open()
  theirs.record(decision('before.example'), 'proxy')
  ours.follow('proxy')
  theirs.record(decision('one.example'), 'proxy')
  theirs.record(decision('fine.example', 'allowed'), 'proxy')
  ours.follow('proxy')
  ours.follow('proxy')
  at = '2026-03-02T00:01:00.000Z'
  theirs.record(decision('two.example'), 'proxy')
  ours.follow('proxy')
  assert.deepEqual(warned, ['one.example', 'two.example'])
})

it('removes what is too old when a day begins', () => {
  for (const day of ['2026-02-26', '2026-02-28', '2026-03-01'])
    writeFileSync(join(folder, `${day}.client.jsonl`), '')
  writeFileSync(join(folder, 'not ours'), '')
  at = '2026-03-02T00:01:00.000Z'
  open().record(decision('a.example', 'allowed'), 'client')
  assert.deepEqual(readdirSync(folder).sort(), [
    '2026-02-28.client.jsonl',
    '2026-03-01.client.jsonl',
    '2026-03-02.client.jsonl',
    'not ours',
  ])
})
