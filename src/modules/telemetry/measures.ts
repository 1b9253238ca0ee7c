import type { Stores } from '../../data/index.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { Measure } from '../../proof/measure.ts'
import type { EdgeApi } from '../edge/index.ts'
import type { EgressApi } from '../egress/index.ts'
import type { TenancyApi } from '../tenancy/index.ts'
import type { Channel } from './alerts.ts'
import type { TelemetryApi } from './index.ts'
import { errorsScrubClient } from './measures/errors-scrub-client.ts'
import { logMonitor } from './measures/log-monitor.ts'
import { logNoEmail } from './measures/log-no-email.ts'
import { logProtection } from './measures/log-protection.ts'
import { logRedaction } from './measures/log-redaction.ts'
import { logRetention } from './measures/log-retention.ts'
import { monitorOperations } from './measures/monitor-operations.ts'
import { pseudonymAnalytics } from './measures/pseudonym-analytics.ts'
import type { TelemetrySettings } from './settings.ts'

/** What the probes attack. */
export interface MeasureParts {
  parts: TelemetryApi
  settings: TelemetrySettings
  channels: readonly Channel[]
  log: Log
  clock: Clock
  build: string
  stores: Stores
  edge: EdgeApi
  tenancy: TenancyApi
  egress: EgressApi
}

/** The claims that this module makes. */
export const telemetryMeasures = (parts: MeasureParts): Measure[] =>
  [
    logRedaction,
    logNoEmail,
    logRetention,
    logProtection,
    logMonitor,
    monitorOperations,
    errorsScrubClient,
    pseudonymAnalytics,
  ].map((of) => of(parts))
