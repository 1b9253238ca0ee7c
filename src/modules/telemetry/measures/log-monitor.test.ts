import { after, before, it } from 'node:test'

import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import { type TelemetryApi, telemetry } from '../index.ts'

let platform: TestPlatform
let parts: TelemetryApi
before(async () => {
  platform = await testPlatform([proof, telemetry])
  parts = platform.api('telemetry') as TelemetryApi
})
after(() => platform?.stop())

const sabotage = (steps: Parameters<typeof proveBySabotage>[2]) =>
  proveBySabotage(platform.api('proof') as ProofApi, 'log.monitor', steps)

it('log.monitor goes red when nobody reads the log', () => {
  const { newsIn } = parts.monitor
  return sabotage({
    sabotage: async () => (parts.monitor.newsIn = () => null),
    repair: async () => (parts.monitor.newsIn = newsIn),
    seen: /became alerts/,
  })
})
