import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import type { EgressApi } from '../../egress/index.ts'
import { type TelemetryApi, telemetry } from '../index.ts'

let platform: TestPlatform
let parts: TelemetryApi
before(async () => {
  platform = await testPlatform([proof, telemetry])
  parts = platform.api('telemetry') as TelemetryApi
})
after(() => platform?.stop())

const sabotage = (steps: Parameters<typeof proveBySabotage>[2]) =>
  proveBySabotage(platform.api('proof') as ProofApi, 'log.retention', steps)

it('log.retention goes red when a file is forgotten', () => {
  const forgotten = join(parts.files.folder, '2020-01-01.requests.forgotten.jsonl')
  return sabotage({
    sabotage: async () => writeFileSync(forgotten, '{}\n'),
    repair: async () => rmSync(forgotten),
    seen: /older than they may be/,
  })
})

it('log.retention goes red when nothing is deleted', () => {
  const { openFiles } = parts
  const keepFor = { requests: 1e15, lines: 1e15, alarms: 1e15 }
  return sabotage({
    sabotage: async () => (parts.openFiles = (folder, options) => openFiles(folder, { ...options, keepFor })),
    repair: async () => (parts.openFiles = openFiles),
    seen: /two days after/,
  })
})

it('log.retention goes red when decisions about connections out are forgotten', () => {
  const { kept } = platform.api('egress') as EgressApi
  const forgotten = join(kept.folder, '2020-01-01.proxy.jsonl')
  return sabotage({
    sabotage: async () => writeFileSync(forgotten, '{}\n'),
    repair: async () => rmSync(forgotten),
    seen: /older than they may be/,
  })
})
