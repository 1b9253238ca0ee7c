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
  proveBySabotage(platform.api('proof') as ProofApi, 'log.no-email', steps)

it('log.no-email goes red when addresses are written as they are', async () => {
  await platform.serve()
  const { pseudonym } = parts.guard
  await sabotage({
    sabotage: async () => (parts.guard.pseudonym = (text) => text),
    repair: async () => (parts.guard.pseudonym = pseudonym),
    seen: /in any log file/,
  })
})

it('log.no-email goes red when addresses leave as traces', async () => {
  const { scan } = parts.guard
  await sabotage({
    sabotage: async () => (parts.guard.scan = (line) => ({ line, found: [] })),
    repair: async () => (parts.guard.scan = scan),
    seen: /leaves as traces/,
  })
})
