import type { Database } from '../../data/index.ts'
import type { Clock } from '../../kernel/clock.ts'
import { newId } from '../../kernel/ids.ts'
import type { Log } from '../../kernel/log.ts'

/** Something that people are to know. */
export interface News {
  name: string
  details: Record<string, unknown>
  /** A probe's own: recorded, told to nobody. */
  canary: boolean
  /** It holds until `clear`. Otherwise it happened, and ends when it does not happen again for a while. */
  lasting: boolean
}

/** News as it was recorded. Instants are ISO 8601. */
export interface Alert extends News {
  id: string
  firedAt: string
  lastAt: string
  /** How often it happened while it was open. */
  times: number
  clearedAt: string | null
}

/** A way to people. Throws when the news was not taken; it is tried again then. */
export interface Channel {
  name: string
  tell(news: News, turn: 'fired' | 'cleared'): Promise<unknown>
}

/** Alerts: recorded once while open, told at least once by each channel. A test may replace a part. */
export interface Alerts {
  /** Recorded when this resolves; without a database, told right away. Never rejects. */
  raise(news: News): Promise<void>
  clear(name: string): Promise<void>
  /** Ends what has not happened for `quietFor` ms. */
  expire(quietFor: number): Promise<void>
  /** Forgets what ended longer than `keepFor` ms ago. */
  forget(keepFor: number): Promise<void>
  /** Tells what was not told yet; of canaries, only the one that is named. */
  tell(channels: readonly Channel[], canary?: string): Promise<void>
  /** Names of open alerts that begin with `prefix`. */
  open(prefix: string): Promise<string[]>
  /** The newest first. */
  list(most: number): Promise<Alert[]>
}

/** Milliseconds that one telling may take before somebody else tries. */
const TELLING = 60_000
/** Milliseconds between two tellings of the same news while the database is away. */
const AWAY_AGAIN = 900_000

const COLUMNS = `id, name, details, canary, lasting, times, told, told_end AS "toldEnd",
  to_char(fired_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "firedAt",
  to_char(last_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "lastAt",
  to_char(cleared_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "clearedAt"`

type Row = Alert & { told: string[]; toldEnd: string[] }

/** Opens the alerts of the deployment. `channels` are those that take news when the database does not. */
export function openAlerts(
  { control, clock, log }: { control: Database; clock: Clock; log: Log },
  channels: readonly Channel[],
): Alerts {
  const away = openAway(clock, log, channels)
  return {
    async raise(news) {
      const { name, details, canary, lasting } = news
      await control
        .query(
          `INSERT INTO telemetry.alert (id, name, details, canary, lasting, fired_at, last_at)
           VALUES ($1, $2, $3, $4, $5, $6, $6)
           ON CONFLICT (name) WHERE cleared_at IS NULL
           DO UPDATE SET times = telemetry.alert.times + 1, last_at = excluded.last_at`,
          [newId(), name, JSON.stringify(details), canary, lasting, clock.now()],
        )
        .catch((error: unknown) => away(news, error))
    },
    async clear(name) {
      const ended = 'UPDATE telemetry.alert SET cleared_at = $2 WHERE name = $1 AND cleared_at IS NULL'
      await control.query(ended, [name, clock.now()])
    },
    async expire(quietFor) {
      await control.query(
        `UPDATE telemetry.alert SET cleared_at = $1
         WHERE cleared_at IS NULL AND NOT lasting AND last_at < $2`,
        [clock.now(), new Date(clock.now().getTime() - quietFor)],
      )
    },
    async forget(keepFor) {
      const before = new Date(clock.now().getTime() - keepFor)
      await control.query('DELETE FROM telemetry.alert WHERE cleared_at < $1', [before])
    },
    async open(prefix) {
      const asked = 'SELECT name FROM telemetry.alert WHERE cleared_at IS NULL AND starts_with(name, $1)'
      return (await control.query<{ name: string }>(asked, [prefix])).map(({ name }) => name)
    },
    tell: (channels, canary) => tellAll({ control, clock, log }, channels, canary ?? null),
    async list(most) {
      const listed = `SELECT ${COLUMNS} FROM telemetry.alert ORDER BY fired_at DESC LIMIT $1`
      return (await control.query<Row>(listed, [most])).map(({ told, toldEnd, ...alert }) => alert)
    },
  }
}

async function tellAll(
  { control, clock, log }: { control: Database; clock: Clock; log: Log },
  channels: readonly Channel[],
  canary: string | null,
): Promise<void> {
  const names = channels.map(({ name }) => name)
  const now = clock.now()
  // Taken by one process at a time; what is older than a day is not told to a channel that is new.
  const taken = await control.query<Row>(
    `UPDATE telemetry.alert SET telling_until = $2 WHERE id IN (
       SELECT id FROM telemetry.alert
       WHERE (telling_until IS NULL OR telling_until < $1) AND fired_at > $1::timestamptz - interval '1 day'
         AND (CASE WHEN canary THEN name = $3 ELSE $3::text IS NULL END)
         AND (NOT told @> $4::text[] OR (cleared_at IS NOT NULL AND NOT told_end @> $4::text[]))
       ORDER BY fired_at LIMIT 20 FOR UPDATE SKIP LOCKED)
     RETURNING ${COLUMNS}`,
    [now, new Date(now.getTime() + TELLING), canary, names],
  )
  for (const alert of taken) {
    let all = true
    for (const channel of channels) {
      const turns = [
        ...(alert.told.includes(channel.name) ? [] : (['fired'] as const)),
        ...(alert.clearedAt && !alert.toldEnd.includes(channel.name) ? (['cleared'] as const) : []),
      ]
      for (const turn of turns) all = (await tellOne({ control, log }, channel, alert, turn)) && all
    }
    if (all) await control.query('UPDATE telemetry.alert SET telling_until = NULL WHERE id = $1', [alert.id])
  }
}

async function tellOne(
  { control, log }: { control: Database; log: Log },
  channel: Channel,
  alert: Alert,
  turn: 'fired' | 'cleared',
): Promise<boolean> {
  try {
    await channel.tell(alert, turn)
  } catch (error) {
    log.error({ err: error, channel: channel.name, alert: alert.name }, 'an alert was not taken')
    return false
  }
  const column = turn === 'fired' ? 'told' : 'told_end'
  const noted = `UPDATE telemetry.alert SET ${column} = array_append(${column}, $2) WHERE id = $1`
  await control.query(noted, [alert.id, channel.name])
  return true
}

/** Without the database nobody can say what was told: each process tells by itself, rarely. */
function openAway(clock: Clock, log: Log, channels: readonly Channel[]) {
  const told = new Map<string, number>()
  return async (news: News, error: unknown): Promise<void> => {
    log.error({ err: error, alert: news.name }, 'an alert was not recorded')
    const now = clock.now().getTime()
    if (news.canary || now - (told.get(news.name) ?? 0) < AWAY_AGAIN) return
    told.set(news.name, now)
    for (const channel of channels)
      await channel
        .tell(news, 'fired')
        .catch((cause: unknown) => log.error({ err: cause, channel: channel.name }, 'an alert was not taken'))
  }
}
