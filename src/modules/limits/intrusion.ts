import type { Redis } from 'ioredis'
import type { Database } from '../../data/index.ts'
import type { Clock } from '../../kernel/clock.ts'
import { newId } from '../../kernel/ids.ts'
import type { Log } from '../../kernel/log.ts'
import type { Audience } from '../../kernel/routes.ts'

/** A refused attempt to get in. */
export interface RefusedAttempt {
  /** The hashed network it came from. */
  network: string
  audience: Audience
  tenantId: string | null
  /** The tenant exists to be attacked by probes. */
  canary: boolean
}

/** Watches for somebody who keeps trying. A test may replace `note`. */
export interface IntrusionWatch {
  note(attempt: RefusedAttempt): Promise<void>
}

// The count and its end are set together: a crash between the two would leave a count that never ends.
const COUNT = `local n = redis.call('INCR', KEYS[1])
if n == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return n`

/** At the attempt number `at` within `window` ms one event is recorded and one alarm logged; once a window. */
export function openIntrusionWatch(
  { redis, control, clock, log }: { redis: Redis; control: Database; clock: Clock; log: Log },
  { at, window }: { at: number; window: number },
): IntrusionWatch {
  return {
    async note(attempt) {
      const { network, audience, tenantId } = attempt
      const key = `limit:{limits}:refused:${tenantId ?? audience}:${network}`
      const count = await redis.eval(COUNT, 1, key, window)
      if (count !== at) return
      await control.query(
        'INSERT INTO limits.intrusion (id, at, network, audience, tenant_id, attempts) VALUES ($1, $2, $3, $4, $5, $6)',
        [newId(), clock.now(), network, audience, tenantId, at],
      )
      // Our own probes attack canaries many times a day: recorded like any other, but nobody is to be woken.
      log[attempt.canary ? 'info' : 'warn'](
        { alarm: 'intrusion', ...attempt, attempts: at },
        'somebody keeps trying to get in',
      )
    },
  }
}
