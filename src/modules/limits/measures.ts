import type { Stores } from '../../data/index.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Measure } from '../../proof/measure.ts'
import type { EdgeApi } from '../edge/index.ts'
import type { TenancyApi } from '../tenancy/index.ts'
import type { LimitParts } from './guard.ts'
import { ipHmac } from './measures/ip-hmac.ts'
import { ipNormalise } from './measures/ip-normalise.ts'
import { ipNotStored } from './measures/ip-not-stored.ts'
import { monitorIntrusion } from './measures/monitor-intrusion.ts'
import { overload } from './measures/overload.ts'
import { ratelimitAtomic } from './measures/ratelimit-atomic.ts'
import type { LimitsSettings } from './settings.ts'

/** What the probes attack. */
export interface MeasureParts {
  parts: LimitParts
  settings: LimitsSettings
  salt: string
  clock: Clock
  stores: Stores
  edge: EdgeApi
  tenancy: TenancyApi
}

/** The claims that this module makes. */
export const limitsMeasures = (parts: MeasureParts): Measure[] =>
  [ratelimitAtomic, ipHmac, ipNotStored, ipNormalise, overload, monitorIntrusion].map((of) => of(parts))
