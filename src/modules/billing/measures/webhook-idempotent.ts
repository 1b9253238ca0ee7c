import type { Stores } from '../../../data/index.ts'
import { newId } from '../../../kernel/ids.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import { openInbox } from '../inbox.ts'
import { type IngestParts, processNotification } from '../ingest.ts'
import { PROBED, removeProbed } from '../probed.ts'
import { withMolliePeer } from '../trial.ts'

const AT_ONCE = 20

/** CAST-53. The real inbox and bookings; the payment is one of the probe's own, at a Mollie of the probe's own. */
export function webhookIdempotent(stores: Stores, lease: number): Measure {
  return measure({
    key: 'webhook.idempotent',
    sources: ['CAST-53'],
    family: 'input',
    maps: { gdpr: ['5(1)(d)', '32(1)(b)'], iso27001: ['A.8.26'] },
    claim: {
      de: () =>
        'Eine Zahlungsmeldung von Mollie wirkt genau einmal, so oft sie auch kommt: Erkannt wird sie an der Kennung und dem SHA-256 ihres Inhalts in kanonischem JSON; eine Erstattung mit derselben Kennung geht dabei nicht verloren.',
      en: () =>
        'A payment notification of Mollie takes effect exactly once however often it comes: it is known by its id and the SHA-256 of its content as canonical JSON; a refund under the same id is not lost.',
    },
    async prove({ check, positiveControl, clock }) {
      const { control, asMigrator } = stores
      const id = `${PROBED}${newId().replaceAll('-', '')}`
      const inbox = openInbox(control, clock, lease)
      const rows = async (table: 'event' | 'booking') => {
        const found = await control.query(`SELECT 1 FROM billing.${table} WHERE resource_id = $1`, [id])
        return found.length
      }
      const state = async () => ({ contents: await rows('event'), bookings: await rows('booking') })
      try {
        await withMolliePeer(async (mollie, peer) => {
          const parts: IngestParts = { control, inbox, mollie, clock }
          const notify = async () => processNotification(await inbox.receive(id, 'webhook'), parts)
          peer.payment(id, { status: 'paid' })
          const all = await Promise.allSettled(Array.from({ length: AT_ONCE }, notify))
          check(
            `errors of ${AT_ONCE} notifications at once`,
            [],
            all
              .flatMap((one) => (one.status === 'rejected' ? [String(one.reason.code)] : []))
              .filter(isNotTaken),
          )
          check('contents kept and bookings made by them', { contents: 1, bookings: 1 }, await state())
          for (let i = 0; i < AT_ONCE; i++) await notify()
          check(`after ${AT_ONCE} more, one by one`, { contents: 1, bookings: 1 }, await state())
          peer.reorder()
          await notify()
          check('after the same content in another order', { contents: 1, bookings: 1 }, await state())
          peer.payment(id, { amountRefunded: { value: '10.00', currency: 'EUR' } })
          await notify()
          positiveControl('after a refund with the same id', { contents: 2, bookings: 2 }, await state())
          peer.payment(id, { amountRefunded: { value: '0.00', currency: 'EUR' } })
          await notify()
          peer.payment(id, { amountRefunded: { value: '10.00', currency: 'EUR' } })
          await notify()
          const [sum] = await control.query<{ sum: string }>(
            'SELECT sum(amount)::text AS sum FROM billing.booking WHERE resource_id = $1',
            [id],
          )
          check(
            'the bookings add up to payment less refund, also when it was taken back and made again',
            '39.00',
            sum?.sum,
          )
        })
      } finally {
        await removeProbed(asMigrator)
      }
    },
  })
}

/** Of two that take up one row, the other leaves it alone. */
const isNotTaken = (code: string): boolean => code !== 'notification-taken'
