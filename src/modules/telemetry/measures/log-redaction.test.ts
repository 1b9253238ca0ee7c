import { after, before, it } from 'node:test'

import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import { TRACES } from '../../../../test/support/traces.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import { type TelemetryApi, telemetry } from '../index.ts'

let platform: TestPlatform
let parts: TelemetryApi
before(async () => {
  platform = await testPlatform([proof, telemetry], TRACES)
  parts = platform.api('telemetry') as TelemetryApi
})
after(() => platform?.stop())

const sabotage = (steps: Parameters<typeof proveBySabotage>[2]) =>
  proveBySabotage(platform.api('proof') as ProofApi, 'log.redaction', steps)

it('log.redaction goes red when names of secrets are not known', () => {
  const { cleanse } = parts.guard
  return sabotage({
    sabotage: async () => (parts.guard.cleanse = (value) => value),
    repair: async () => (parts.guard.cleanse = cleanse),
    seen: /it reaches the log/,
  })
})

it('log.redaction goes red when finished lines are not looked at', () => {
  const { scan } = parts.guard
  return sabotage({
    sabotage: async () => (parts.guard.scan = (line) => ({ line, found: [] })),
    repair: async () => (parts.guard.scan = scan),
    seen: /it reaches the log/,
  })
})

it('log.redaction goes red when what is told of spans is not looked at', () => {
  const { cleanse } = parts.guard
  return sabotage({
    sabotage: async () => (parts.guard.cleanse = (value) => value),
    repair: async () => (parts.guard.cleanse = cleanse),
    seen: /it leaves/,
  })
})
