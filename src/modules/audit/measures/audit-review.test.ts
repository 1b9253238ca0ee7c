import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import { newId } from '../../../kernel/ids.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import type { AuditApi } from '../index.ts'
import { audit } from '../index.ts'
import { listReviews, openReviews, reviewsOwed, signReview } from '../review.ts'

const DAY = 86_400_000
const rhythm = { every: 31 * DAY, within: 7 * DAY }

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([proof, audit])
  const { record } = platform.api('audit') as AuditApi
  for (const id of ['one', 'two'])
    await record({ actor: { kind: 'operator', id } }, { act: 'admin.request', target: 'GET /api/v1/people' })
})
after(() => platform?.stop())

it('a review is opened for each period, with a sample, once, and is owed until somebody signs', async () => {
  const { control } = platform.stores
  const now = new Date(Date.now() + 70 * DAY)
  await openReviews(control, now, rhythm)
  await openReviews(control, now, rhythm)
  const [second, first, ...more] = await listReviews(control)
  assert.deepEqual(more, [])
  assert.equal(first?.to, second?.from)
  assert.ok((first?.sample.length ?? 0) >= 2)
  assert.deepEqual(await reviewsOwed(control, now, rhythm), { unsigned: 0, unopened: 0 })
  const late = new Date(now.getTime() + 8 * DAY)
  assert.equal((await reviewsOwed(control, late, rhythm)).unsigned, 2)
  const by = newId()
  for (const review of [first, second])
    await signReview(control, review?.id as string, { by, at: now, notes: 'nothing unusual' })
  assert.equal((await reviewsOwed(control, late, rhythm)).unsigned, 0)
  await assert.rejects(signReview(control, first?.id as string, { by, at: now, notes: 'again' }), {
    code: 'review-unknown',
  })
  assert.equal((await listReviews(control))[0]?.own, 0)
  await platform.asSuperuser('surety_control', (client) => client.query('DELETE FROM review.period'))
})

it('audit.review goes red when nobody signs in time', () => {
  const { control } = platform.stores
  return proveBySabotage(platform.api('proof') as ProofApi, 'audit.review', {
    sabotage: plant,
    repair: async () => {
      for (const { id } of await listReviews(control))
        await signReview(control, id, { by: newId(), at: new Date(), notes: 'looked at all of it' })
    },
    seen: /nobody signed in time/,
  })
})

const plant = () =>
  platform.asSuperuser('surety_control', (client) =>
    client.query(
      `INSERT INTO review.period (id, from_at, to_at, due_at, entries, sample)
       VALUES (gen_random_uuid(), now() - interval '40 days', now() - interval '9 days', now() - interval '2 days', 0, '[]')`,
    ),
  )

it('audit.review goes red when no review is opened any more', () =>
  proveBySabotage(platform.api('proof') as ProofApi, 'audit.review', {
    sabotage: () =>
      platform.asSuperuser('surety_control', (client) =>
        client.query(
          `UPDATE review.period SET from_at = from_at - interval '60 days', to_at = to_at - interval '60 days'`,
        ),
      ),
    repair: () => openReviews(platform.stores.control, new Date(), rhythm),
    seen: /no review was opened for/,
  }))
