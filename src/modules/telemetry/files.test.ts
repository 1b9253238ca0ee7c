import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, it } from 'node:test'
import { killHard } from '../../../test/support/holder.ts'
import type { Clock } from '../../kernel/clock.ts'
import { openLogFiles } from './files.ts'
import { verifyLogFile } from './verifyFile.ts'

const [INFO, WARN, KEY] = [30, 40, 'key']
const folders: string[] = []
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true })
})

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'surety-files-'))
  folders.push(folder)
  return folder
}

const keepFor = { requests: 1e9, lines: 1e9, alarms: 1e9 }
const verified = (folder: string) => readdirSync(folder).map((name) => verifyLogFile(join(folder, name), KEY))

it('each sink has its own file a day, each sealed from its first line on', () => {
  let at = '2026-03-01T23:59:59.900Z'
  const clock: Clock = { now: () => new Date(at) }
  const folder = scratch()
  const files = openLogFiles(folder, { clock, key: KEY, keepFor, writer: 'w' })
  files.write('{"a":1}\n', INFO, 'request')
  files.write('{"a":2}\n', INFO, undefined)
  files.write('{"a":3}\n', WARN, 'request')
  at = '2026-03-02T00:00:00.100Z'
  files.write('{"a":4}\n', INFO, undefined)
  files.close()
  assert.deepEqual(readdirSync(folder).sort(), [
    '2026-03-01.alarms.w.jsonl',
    '2026-03-01.lines.w.jsonl',
    '2026-03-01.requests.w.jsonl',
    '2026-03-02.lines.w.jsonl',
  ])
  assert.deepEqual(verified(folder), Array(4).fill('whole'))
})

it('what is loud is in the file at once', () => {
  const folder = scratch()
  const clock: Clock = { now: () => new Date() }
  const files = openLogFiles(folder, { clock, key: KEY, keepFor, writer: 'w' })
  files.write('{"loud":true}\n', WARN, undefined)
  const [name = ''] = readdirSync(folder)
  assert.match(readFileSync(join(folder, name), 'utf8'), /^\{"loud":true\}\n\{"seal":"[\w-]{43}"\}\n$/)
  files.close()
})

it('a process that is killed while it writes leaves nothing that looks like tampering', async () => {
  const folder = scratch()
  const url = JSON.stringify(new URL('./files.ts', import.meta.url).href)
  const script = `import { openLogFiles } from ${url}
    const files = openLogFiles(${JSON.stringify(folder)}, { clock: { now: () => new Date() }, key: '${KEY}',
      keepFor: ${JSON.stringify(keepFor)}, writer: 'w' + process.pid })
    const line = JSON.stringify({ text: 'x'.repeat(300) }) + '\\n'
    process.stdout.write('ready')
    setInterval(() => { for (let n = 0; n < 500; n += 1) files.write(line, n % 100 === 0 ? ${WARN} : ${INFO}, undefined) }, 1)`
  for (const wait of [0, 3, 11, 40]) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    await new Promise((resolve) => setTimeout(resolve, wait))
    await killHard(child)
  }
  assert.ok(verified(folder).length > 0)
  assert.equal(verified(folder).includes('altered'), false)
})
