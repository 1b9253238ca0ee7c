import type { Database } from '../../data/index.ts'
import { newId } from '../../kernel/ids.ts'
import { defineProblem } from '../../kernel/problems.ts'

/** How often administrative access is reviewed, and how long a person has for it (ms). */
export interface ReviewRhythm {
  every: number
  within: number
}

/** A line of the sample that is looked at. */
interface SampleLine {
  id: string
  at: string
  who: string
  act: string
  target: string
}

/** A review as operators see it. */
export interface Review {
  id: string
  /** ISO 8601. */
  from: string
  to: string
  dueAt: string
  /** How many entries of administrative access there were; the sample is some of them. */
  entries: number
  sample: SampleLine[]
  signedAt: string | null
  signedBy: string | null
  /** Lines of the sample that are the signer's own access. */
  own: number | null
  notes: string | null
}

const unknown = defineProblem({ code: 'review-unknown', status: 404, title: 'No such open review' })

/** Lines in a sample. */
const SAMPLE = 25

/** What counts as administrative access. */
const ACCESS = `act IN ('admin.request', 'database.statement', 'audit.export') OR target = 'identity.event'`

/** Opens the review of every period that is over. Safe to repeat, and from several processes. */
export async function openReviews(control: Database, now: Date, rhythm: ReviewRhythm): Promise<void> {
  for (;;) {
    const from = await nextBegin(control)
    const to = from && new Date(from.getTime() + rhythm.every)
    if (!from || !to || to > now) return
    await control.query(
      `INSERT INTO review.period (id, from_at, to_at, due_at, entries, sample)
       SELECT $1, $2, $3, $4, (SELECT count(*) FROM audit.entry WHERE at >= $2 AND at < $3 AND (${ACCESS})),
         coalesce((SELECT jsonb_agg(s) FROM (SELECT id, at, who, act, target FROM audit.entry
           WHERE at >= $2 AND at < $3 AND (${ACCESS}) ORDER BY random() LIMIT ${SAMPLE}) s), '[]')
       ON CONFLICT DO NOTHING`,
      [newId(), from, to, new Date(now.getTime() + rhythm.within)],
    )
  }
}

/** Where the next period begins: where the last one ended, or with the first entry of all. */
async function nextBegin(control: Database): Promise<Date | null> {
  const [row] = await control.query<{ at: Date | null }>(
    'SELECT coalesce((SELECT max(to_at) FROM review.period), (SELECT min(at) FROM audit.entry)) AS at',
  )
  return row?.at ?? null
}

/** The newest reviews first. */
export function listReviews(control: Database): Promise<Review[]> {
  const iso = (column: string) => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`
  return control.query<Review & Record<string, unknown>>(
    `SELECT id, ${iso('from_at')} AS "from", ${iso('to_at')} AS "to", ${iso('due_at')} AS "dueAt", entries, sample,
       ${iso('signed_at')} AS "signedAt", signed_by AS "signedBy", own, notes
     FROM review.period ORDER BY from_at DESC LIMIT 120`,
  )
}

/** Signs an open review. Throws a Problem `review-unknown` (404), also for one that is signed already. */
export async function signReview(
  control: Database,
  id: string,
  signature: { by: string; at: Date; notes: string },
): Promise<void> {
  const signed = await control.query(
    `UPDATE review.period SET signed_at = $2, signed_by = $3::uuid, notes = $4,
       own = (SELECT count(*) FROM jsonb_array_elements(sample) s WHERE s->>'who' = 'operator:' || $3::uuid)
     WHERE id = $1 AND signed_at IS NULL RETURNING id`,
    [id, signature.at, signature.by, signature.notes],
  )
  if (signed.length === 0) throw unknown('It does not exist, or somebody signed it before.')
}

/** What is owed at `now`: reviews that nobody signed in time, and periods that nobody opened a review for. */
export async function reviewsOwed(control: Pick<Database, 'query'>, now: Date, rhythm: ReviewRhythm) {
  const rows = await control.query<{ unsigned: number; last: Date | null }>(
    `SELECT (SELECT count(*)::int FROM review.period WHERE signed_at IS NULL AND due_at < $1) AS unsigned,
       coalesce((SELECT max(to_at) FROM review.period), (SELECT min(at) FROM audit.entry)) AS last`,
    [now],
  )
  const { unsigned, last } = rows[0] as { unsigned: number; last: Date | null }
  const open = last ? Math.max(0, now.getTime() - last.getTime() - A_DAY) : 0
  return { unsigned, unopened: Math.floor(open / rhythm.every) }
}

/** A review may be opened this much later than its period ends. */
const A_DAY = 86_400_000
