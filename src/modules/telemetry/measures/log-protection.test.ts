import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import { filesIn } from '../files.ts'
import { type TelemetryApi, telemetry } from '../index.ts'

let platform: TestPlatform
let parts: TelemetryApi
before(async () => {
  platform = await testPlatform([proof, telemetry])
  parts = platform.api('telemetry') as TelemetryApi
})
after(() => platform?.stop())

const sabotage = (steps: Parameters<typeof proveBySabotage>[2]) =>
  proveBySabotage(platform.api('proof') as ProofApi, 'log.protection', steps)

const someFile = () => {
  parts.files.write('{"line":1}\n', 40, undefined)
  const { folder } = parts.files
  const [{ name = '' } = {}] = filesIn(folder).filter(({ name }) => name.includes(parts.fileOptions.writer))
  return join(folder, name)
}

it('log.protection goes red when others may read', () => {
  const file = someFile()
  return sabotage({
    sabotage: async () => chmodSync(file, 0o644),
    repair: async () => chmodSync(file, 0o640),
    seen: /others may read/,
  })
})

it('log.protection goes red when somebody changed a line', () => {
  const file = someFile()
  const text = readFileSync(file, 'utf8')
  return sabotage({
    sabotage: async () => writeFileSync(file, text.replace('"line":1', '"line":2')),
    repair: async () => writeFileSync(file, text),
    seen: /seals do not fit/,
  })
})

it('log.protection goes red when the end of a file is cut off, or the file is gone', async () => {
  // Of a process that is gone: the running one would write on.
  const gone = parts.openFiles(parts.files.folder, { ...parts.fileOptions, writer: 'gone' })
  for (const n of [1, 2]) gone.write(`{"line":${n}}\n`, 40, undefined)
  gone.close()
  await parts.heads.keep(gone)
  const [name = ''] = gone.heads().keys()
  const file = join(parts.files.folder, name)
  const text = readFileSync(file, 'utf8')
  const shorter = `${text.split('\n').slice(0, 2).join('\n')}\n`
  const repair = async () => writeFileSync(file, text, { mode: 0o640 })
  const seen = /end too early/
  await sabotage({ sabotage: async () => writeFileSync(file, shorter), repair, seen })
  await sabotage({ sabotage: async () => rmSync(file), repair, seen })
})
