import { createHmac, randomBytes } from 'node:crypto'
import type { Database } from '../../data/index.ts'
import type { Clock } from '../../kernel/clock.ts'

/** Something that somebody did. */
interface Act {
  tenantId: string
  personId: string
  /** Method and pattern of a route, such as `GET /api/v1/artists/:id`: never what stands in a path. */
  event: string
}

/** What is known of visits: which of a tenant's routes are used, by how many. A test may replace `nameFor`. */
export interface Analytics {
  /** Counted with the next `flush`. */
  note(act: Act): void
  flush(): Promise<void>
  /** Somebody's name under the key of the period at `at`; the key is made when there is none. */
  nameFor(act: Omit<Act, 'event'>, at: Date): Promise<string>
  /** Destroys the keys of past periods: from then on nobody can tell who had which name. */
  forget(): Promise<void>
  /** Which period is now. */
  period(): number
  /** By day, tenant and event. */
  list(days: number): Promise<Visits[]>
}

export interface Visits {
  day: string
  tenantId: string
  event: string
  visitors: number
  times: number
}

const DAY = 86_400_000

/** Opens the analytics of the deployment. `period` in ms. */
export function openAnalytics(control: Database, clock: Clock, period: number): Analytics {
  const waiting = new Map<string, Act & { times: number }>()
  const keys = new Map<number, Buffer>()
  const periodAt = (at: Date) => Math.floor(at.getTime() / period)
  const analytics: Analytics = {
    note(act) {
      const key = `${act.tenantId} ${act.personId} ${act.event}`
      const known = waiting.get(key) ?? { ...act, times: 0 }
      known.times += 1
      waiting.set(key, known)
    },
    async flush() {
      const acts = [...waiting.values()]
      waiting.clear()
      const now = clock.now()
      for (const { event, times, ...who } of acts)
        await control.query(
          `INSERT INTO telemetry.visit (day, tenant_id, visitor, event, times) VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT (day, tenant_id, event, visitor) DO UPDATE SET times = telemetry.visit.times + excluded.times`,
          [now.toISOString().slice(0, 10), who.tenantId, await analytics.nameFor(who, now), event, times],
        )
    },
    async nameFor({ tenantId, personId }, at) {
      const now = periodAt(at)
      const key = keys.get(now) ?? (await keyOf(control, now))
      keys.set(now, key)
      return createHmac('sha256', key).update(`${tenantId}|${personId}`).digest('base64url').slice(0, 22)
    },
    async forget() {
      for (const past of [...keys.keys()].filter((one) => one < analytics.period())) keys.delete(past)
      await control.query('DELETE FROM telemetry.analytics_key WHERE period < $1', [analytics.period()])
    },
    period: () => periodAt(clock.now()),
    list: (days) =>
      control.query<Visits>(
        `SELECT day::text, tenant_id AS "tenantId", event, count(*)::int AS visitors, sum(times)::int AS times
         FROM telemetry.visit WHERE day >= $1 GROUP BY day, tenant_id, event ORDER BY day DESC, times DESC LIMIT 1000`,
        [new Date(clock.now().getTime() - days * DAY).toISOString().slice(0, 10)],
      ),
  }
  return analytics
}

/** Two processes that make the key of a period at once end up with the same one. */
async function keyOf(control: Database, period: number): Promise<Buffer> {
  const made = 'INSERT INTO telemetry.analytics_key (period, key) VALUES ($1, $2) ON CONFLICT DO NOTHING'
  await control.query(made, [period, randomBytes(32)])
  const asked = 'SELECT key FROM telemetry.analytics_key WHERE period = $1'
  const [row] = await control.query<{ key: Buffer }>(asked, [period])
  return row?.key as Buffer
}
