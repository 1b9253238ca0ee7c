import type { Stores } from '../../data/index.ts'
import type { Clock } from '../../kernel/clock.ts'
import { newId } from '../../kernel/ids.ts'
import { defineProblem } from '../../kernel/problems.ts'
import type { TenancyApi } from '../tenancy/index.ts'

const noRequest = defineProblem({ code: 'erasure-request-unknown', status: 404, title: 'No such request' })
const unchecked = defineProblem({
  code: 'erasure-unconfirmed',
  status: 409,
  title: 'It is not known yet whether who asked may ask',
})

/** A customer's request to erase everything at once. */
export interface ErasureRequest {
  id: string
  tenantId: string
  slug: string
  receivedAt: Date
  /** The last day on which to answer: `2026-12-21`. */
  dueOn: string
  channel: string
  identityChecked: string | null
  /** Null while it is open; an erasure answers it too. */
  answeredAt: Date | null
}

/**
 * The last day of a period of one month that begins with an event on the day of `receivedAt` in `timeZone`: the same date of
 * the next month, or its last day (Art. 3(2)(c) Regulation (EEC, Euratom) 1182/71). Where that is no working day the
 * regulation gives more time; this does not count on it.
 */
export function oneMonthAfter(receivedAt: Date, timeZone: string): string {
  const [year = 0, month = 0, day = 0] = dayOf(receivedAt, timeZone).split('-').map(Number)
  // Day 0 of the month after the next is the last one of the next.
  const last = new Date(Date.UTC(year, month + 1, 0))
  last.setUTCDate(Math.min(day, last.getUTCDate()))
  return last.toISOString().slice(0, 10)
}

/** The day of an instant: `2026-11-21`. */
function dayOf(instant: Date, timeZone: string): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' }).format(instant)
}

/** Opens a case: its clock runs from when the request came in. */
export async function receiveRequest(
  {
    stores,
    tenancy,
    clock,
    timeZone,
  }: { stores: Stores; tenancy: TenancyApi; clock: Clock; timeZone: string },
  slug: string,
  channel: string,
): Promise<ErasureRequest> {
  const { id: tenantId } = await tenancy.bySlug(slug)
  const receivedAt = clock.now()
  const request = {
    id: newId(),
    tenantId,
    slug,
    receivedAt,
    dueOn: oneMonthAfter(receivedAt, timeZone),
    channel,
  }
  await stores.asMigrator(`note a request to erase ${slug}`, (client) =>
    client.query(
      `INSERT INTO lifecycle.request (id, tenant_id, slug, received_at, due_on, channel) VALUES ($1, $2, $3, $4, $5, $6)`,
      Object.values(request),
    ),
  )
  return { ...request, identityChecked: null, answeredAt: null }
}

/** Notes how it was made sure that who asked may ask. */
export async function confirmRequest(
  { stores, clock }: { stores: Stores; clock: Clock },
  id: string,
  how: string,
): Promise<void> {
  const { rowCount } = await stores.asMigrator('note who asked for an erasure', (client) =>
    client.query(
      'UPDATE lifecycle.request SET identity_checked = $2, identity_checked_at = $3 WHERE id = $1',
      [id, how, clock.now()],
    ),
  )
  if (!rowCount) throw noRequest(`There is no request ${id}.`)
}

/** Ends a case without an erasure. Throws a Problem `erasure-request-unknown` (404), also when it is answered. */
export async function answerRequest(
  { stores, clock }: { stores: Stores; clock: Clock },
  id: string,
  answer: string,
): Promise<void> {
  const { rowCount } = await stores.asMigrator('answer a request for erasure', (client) =>
    client.query(
      'UPDATE lifecycle.request SET answer = $2, answered_at = $3 WHERE id = $1 AND answered_at IS NULL',
      [id, answer, clock.now()],
    ),
  )
  if (!rowCount) throw noRequest(`There is no open request ${id}.`)
}

/** Requests whose last day is over at `now` without an answer. */
export function overdue(requests: readonly ErasureRequest[], now: Date, timeZone: string): ErasureRequest[] {
  const today = dayOf(now, timeZone)
  return requests.filter(({ answeredAt, dueOn }) => !answeredAt && dueOn < today)
}

/** The request by its id, once its sender is known. Throws Problems `erasure-request-unknown` and `erasure-unconfirmed`. */
export async function confirmedRequest({ stores }: { stores: Stores }, id: string): Promise<ErasureRequest> {
  const found = (await requestsOf({ stores })).find((request) => request.id === id)
  if (!found || found.answeredAt) throw noRequest(`There is no open request ${id}.`)
  if (!found.identityChecked) throw unchecked(`Note first how the sender of request ${id} was checked.`)
  return found
}

/** Every request, oldest first. */
export async function requestsOf({ stores }: { stores: Stores }): Promise<ErasureRequest[]> {
  return stores.control.query<ErasureRequest & Record<string, unknown>>(
    `SELECT r.id, r.tenant_id AS "tenantId", r.slug, r.received_at AS "receivedAt", r.due_on::text AS "dueOn", r.channel,
       r.identity_checked AS "identityChecked", coalesce(r.answered_at, e.finished_at) AS "answeredAt"
     FROM lifecycle.request r LEFT JOIN lifecycle.erasure e ON e.request_id = r.id ORDER BY r.received_at`,
  )
}
